import { expect, test } from 'vitest';
import { z } from 'zod';
import { timeOfUuid, uuidv7 } from './ids.ts';

test('an id is a UUID of version 7 that carries its time, sorts by it and does not repeat', () => {
  const times = [0, 1, 1_700_000_000_000, 1_700_000_000_001, 281_474_976_710_655];
  const ids = times.map((time) => uuidv7(time));
  for (const [index, id] of ids.entries()) {
    expect(z.uuidv7().safeParse(id).error).toBeUndefined();
    expect(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)).toBe(times[index]);
  }
  expect(ids.toSorted()).toEqual(ids);
  expect(new Set(Array.from({ length: 10_000 }, () => uuidv7(1))).size).toBe(10_000);
});

test('tells its time, and nothing of ids of another version', () => {
  for (const time of [0, 1_700_000_000_123]) expect(timeOfUuid(uuidv7(time))).toBe(time);
  expect(timeOfUuid('9b2f6a3e-1c4d-4e5f-8a6b-7c8d9e0f1a2b')).toBeUndefined();
});
