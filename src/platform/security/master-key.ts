import { hash, timingSafeEqual } from 'node:crypto';
import type { Config } from '../config/load.ts';
import { derive, type Live } from '../core/live.ts';

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** Checks a caller's key against digests, in time that does not depend on where they differ. Null: none is required. */
export type MasterKeyCheck = (headers: Headers) => boolean | null;

const digest = (text: string): Buffer => hash('sha256', text, 'buffer');

/** Whether the key that a caller presents is the master key, or one before it that is still accepted. */
export function createMasterKeyCheck(
  config: Live<Pick<Config, 'master_key' | 'previous_master_keys'>>,
): MasterKeyCheck {
  const accepted = derive(config, ({ master_key: current, previous_master_keys: previous }) =>
    current === undefined ? null : [current, ...previous].map(digest),
  );
  return (headers) => {
    const digests = accepted();
    if (digests === null) return null;
    const presented = presentedKey(headers);
    if (presented === undefined) return false;
    const shown = digest(presented);
    return digests.filter((expected) => timingSafeEqual(shown, expected)).length > 0;
  };
}

/** The key in `Authorization: Bearer` (OpenAI's way), `x-api-key` (Anthropic's) or `api-key` (Azure's). */
export function presentedKey(headers: Headers): string | undefined {
  const { authorization } = headers;
  if (typeof authorization === 'string') return /^Bearer +(.+)$/i.exec(authorization)?.[1];
  const apiKey = headers['x-api-key'] ?? headers['api-key'];
  return typeof apiKey === 'string' ? apiKey : undefined;
}
