import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Costs } from '../../contracts/model.ts';
import { costUsd } from './cost.ts';

const costs: Costs = {
  input_tokens_per_1k: 0.002,
  output_tokens_per_1k: 0.01,
  cached_input_tokens_per_1k: 0.0002,
  cache_write_tokens_per_1k: null,
  currency: 'USD',
};

test.each([
  ['input and output', { inputTokens: 1000, outputTokens: 500, cachedInputTokens: 0 }, costs, 0.007],
  ['cached input at its own price', { inputTokens: 1000, outputTokens: 0, cachedInputTokens: 800 }, costs, 0.00056],
  [
    'cached input at the full price where there is no other',
    { inputTokens: 1000, outputTokens: 0, cachedInputTokens: 800 },
    { ...costs, cached_input_tokens_per_1k: null },
    0.002,
  ],
  [
    'a free model',
    { inputTokens: 10, outputTokens: 10, cachedInputTokens: 0 },
    { ...costs, input_tokens_per_1k: 0, output_tokens_per_1k: 0 },
    0,
  ],
  [
    'an unknown input price',
    { inputTokens: 10, outputTokens: 10, cachedInputTokens: 0 },
    { ...costs, input_tokens_per_1k: null },
    null,
  ],
  [
    'an unknown output price',
    { inputTokens: 10, outputTokens: 0, cachedInputTokens: 0 },
    { ...costs, output_tokens_per_1k: null },
    null,
  ],
])('%s', (_name, usage, prices, expected) => {
  expect(costUsd(usage, prices)).toBe(expected);
});

test('is never negative, and grows with every token', () => {
  const tokens = fc.nat(10_000_000);
  fc.assert(
    fc.property(tokens, tokens, tokens, (inputTokens, outputTokens, cachedInputTokens) => {
      const cost = costUsd(
        { inputTokens, outputTokens, cachedInputTokens: Math.min(cachedInputTokens, inputTokens) },
        costs,
      );
      const more = costUsd(
        { inputTokens, outputTokens: outputTokens + 1, cachedInputTokens: Math.min(cachedInputTokens, inputTokens) },
        costs,
      );
      expect(cost).toBeGreaterThanOrEqual(0);
      expect(more).toBeGreaterThan(cost ?? Infinity);
    }),
  );
});
