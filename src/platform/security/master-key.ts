import { hash, timingSafeEqual } from 'node:crypto';
import type { Config } from '../config/load.ts';
import { derive, type Live } from '../core/live.ts';

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** Checks a caller's key against digests, in time that does not depend on where they differ. */
export type KeyCheck = (headers: Headers) => boolean;

const digest = (text: string): Buffer => hash('sha256', text, 'buffer');

/** Whether the key that a caller presents is one of these. */
export function createKeyCheck(keys: readonly string[]): KeyCheck {
  const accepted = keys.map(digest);
  return (headers) => {
    const presented = presentedKey(headers);
    if (presented === undefined) return false;
    const shown = digest(presented);
    return accepted.filter((expected) => timingSafeEqual(shown, expected)).length > 0;
  };
}

/**
 * Whether the key that a caller presents is the master key, or one before it that is still accepted; null where none is
 * required.
 */
export function createMasterKeyCheck(
  config: Live<Pick<Config, 'master_key' | 'previous_master_keys'>>,
): (headers: Headers) => boolean | null {
  const check = derive(config, ({ master_key: current, previous_master_keys: previous }) =>
    current === undefined ? null : createKeyCheck([current, ...previous]),
  );
  return (headers) => check()?.(headers) ?? null;
}

/**
 * The key in `Authorization: Bearer` (OpenAI's way), `x-api-key` (Anthropic's) or `api-key` (Azure's), the first of them that
 * is there. An `Authorization` of another kind is for a proxy in front, and no key.
 */
export function presentedKey(headers: Headers): string | undefined {
  const { authorization } = headers;
  const bearer = typeof authorization === 'string' ? /^Bearer +(.+)$/i.exec(authorization)?.[1] : undefined;
  const apiKey = bearer ?? headers['x-api-key'] ?? headers['api-key'];
  return typeof apiKey === 'string' ? apiKey : undefined;
}
