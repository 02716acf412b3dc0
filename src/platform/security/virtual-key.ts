import { hash, randomBytes } from 'node:crypto';
import { virtualKeyPrefix } from '../../contracts/keys.ts';
import type { KeyText } from '../store/virtual-keys.ts';

/** Characters of its random part that the prefix shows: enough to tell keys apart, far too few to guess the rest. */
const shownCharacters = 6;

/** A new virtual key of 256 random bits, to be shown once, and what is stored of it. */
export function createKeyText(): { key: string; stored: KeyText } {
  const key = virtualKeyPrefix + randomBytes(32).toString('base64url');
  return {
    key,
    stored: { hash: hash('sha256', key, 'buffer'), prefix: key.slice(0, virtualKeyPrefix.length + shownCharacters) },
  };
}
