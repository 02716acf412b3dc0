import { expect, test } from 'vitest';
import { createAffinity } from './affinity.ts';

const minute = 60_000;

test('a conversation stays known, its cache for five minutes', () => {
  const affinity = createAffinity(10);
  affinity.note('c', 'openai/a', 1000, 0);
  expect(affinity.find('c', 4 * minute)).toEqual({ modelKey: 'openai/a', cachedInputTokens: 1000 });
  expect(affinity.find('c', 6 * minute)).toEqual({ modelKey: 'openai/a', cachedInputTokens: 0 });
  expect(affinity.find('c', 61 * minute)).toBeNull();
  expect(affinity.find('another', 0)).toBeNull();
});

test('the last answer counts', () => {
  const affinity = createAffinity(10);
  affinity.note('c', 'openai/a', 1000, 0);
  affinity.note('c', 'anthropic/b', 2000, minute);
  expect(affinity.find('c', 2 * minute)).toEqual({ modelKey: 'anthropic/b', cachedInputTokens: 2000 });
});

test('it is bounded, and forgets the oldest', () => {
  const affinity = createAffinity(10);
  for (let index = 0; index < 1000; index += 1) affinity.note(`c${index}`, 'm', 1, index);
  const known = Array.from({ length: 1000 }, (_, index) => affinity.find(`c${index}`, 1000)).filter(Boolean);
  expect(known.length).toBeGreaterThanOrEqual(5);
  expect(known.length).toBeLessThanOrEqual(10);
  expect(affinity.find('c999', 1000)).not.toBeNull();
});
