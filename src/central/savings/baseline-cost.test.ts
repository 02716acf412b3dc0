import { expect, it } from 'vitest';
import type { Spending } from '../../platform/store/spending.ts';
import { baselineCost } from './baseline-cost.ts';

const costs = {
  input_tokens_per_1k: 0.01,
  output_tokens_per_1k: 0.1,
  cached_input_tokens_per_1k: 0.001,
  cache_write_tokens_per_1k: null,
  currency: 'USD' as const,
};
const large = { provider: 'one', model: 'large' };

function spending(changes: Partial<Spending>): Spending {
  return {
    purpose: 'choice',
    provider: 'one',
    model: 'small',
    complexity: 'simple',
    answers: 10,
    input_tokens: 2000,
    cached_input_tokens: 0,
    output_tokens: 1000,
    unpriced_answers: 0,
    cost_usd: 1,
    unused_usd: 0,
    explored: 0,
    exploration_usd: 0,
    ...changes,
  };
}

it('prices the same tokens where the model has answered too few of the complexity', () => {
  const rows = [spending({}), spending({ ...large, answers: 29, input_tokens: 0, output_tokens: 0 })];
  expect(baselineCost(rows, large, costs)).toEqual({
    costUsd: expect.closeTo(0.12, 12),
    ownOutput: 0,
    sameOutput: 39,
  });
});

it('takes the model’s own mean of output, complexity by complexity, over all answers whoever gave them', () => {
  const rows = [
    spending({ cached_input_tokens: 500 }),
    spending({ ...large, answers: 30, input_tokens: 3000, output_tokens: 6000 }),
    spending({ purpose: 'fallback', complexity: 'complex', answers: 1, input_tokens: 100, output_tokens: 50 }),
    // Nobody asked for these.
    spending({ purpose: 'copy', answers: 1000, output_tokens: 9_000_000 }),
    spending({ purpose: 'judge', answers: 1000, output_tokens: 9_000_000 }),
  ];
  // Simple: 4500 tokens in full, 500 cached, 40 answers of 200 tokens. Complex: as they were.
  const simple = 0.045 + 0.0005 + 0.8;
  const result = baselineCost(rows, large, costs);
  expect(result.costUsd).toBeCloseTo(simple + 0.001 + 0.005, 12);
  expect(result).toMatchObject({ ownOutput: 40, sameOutput: 1 });
});

it.each(['input_tokens_per_1k', 'output_tokens_per_1k'])('is null without %s', (price) => {
  expect(baselineCost([spending({})], large, { ...costs, [price]: null }).costUsd).toBeNull();
});

it('is nothing where nothing was asked', () => {
  expect(baselineCost([], large, costs)).toEqual({ costUsd: 0, ownOutput: 0, sameOutput: 0 });
});
