import { expect, test } from 'vitest';
import { entryOf, maxTargets } from './target-map.ts';

test('makes an entry once, and the oldest gives way where there is no more room', () => {
  const entries = new Map<string, { target: number }>();
  const first = entryOf(entries, '0', () => ({ target: 0 }));
  expect(entryOf(entries, '0', () => ({ target: -1 }))).toBe(first);
  for (let target = 1; target <= maxTargets; target += 1) entryOf(entries, String(target), () => ({ target }));
  expect(entries.size).toBe(maxTargets);
  expect(entries.has('0')).toBe(false);
  expect(entries.has('1')).toBe(true);
});
