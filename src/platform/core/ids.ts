import { randomUUID } from 'node:crypto';

/**
 * A UUID of version 7 (RFC 9562): 48 bits of milliseconds, then random bits, so that ids made later sort later and
 * fill an index from one side.
 */
export function uuidv7(nowMs: number = Date.now()): string {
  const time = nowMs.toString(16).padStart(12, '0');
  // Node draws the randomness of many UUIDs at once; everything behind the version digit of one is taken over.
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
}

/** The time that a UUID of version 7 was made at, in milliseconds since 1970; undefined for one of another version. */
export function timeOfUuid(id: string): number | undefined {
  return id[14] === '7' ? Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16) : undefined;
}
