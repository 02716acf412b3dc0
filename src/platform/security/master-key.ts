import { hash, timingSafeEqual } from 'node:crypto';

/** Checks a caller's key against a digest, in time that does not depend on where they differ. */
export type KeyCheck = (headers: Readonly<Record<string, string | string[] | undefined>>) => boolean;

const digest = (text: string): Buffer => hash('sha256', text, 'buffer');

/** Whether the key that a caller presents is this one. */
export function createKeyCheck(masterKey: string): KeyCheck {
  const expected = digest(masterKey);
  return (headers) => {
    const presented = presentedKey(headers);
    return presented !== undefined && timingSafeEqual(digest(presented), expected);
  };
}

/** The key in `Authorization: Bearer` (OpenAI's way), `x-api-key` (Anthropic's) or `api-key` (Azure's). */
export function presentedKey(headers: Readonly<Record<string, string | string[] | undefined>>): string | undefined {
  const { authorization } = headers;
  if (typeof authorization === 'string') return /^Bearer +(.+)$/i.exec(authorization)?.[1];
  const apiKey = headers['x-api-key'] ?? headers['api-key'];
  return typeof apiKey === 'string' ? apiKey : undefined;
}
