import { expect, test } from 'vitest';
import { configSchema } from '../../platform/config/schema.ts';
import { policyFromConfig } from '../../router/policy-from-config.ts';
import { createChooser } from './chooser.ts';
import { pricesOf } from './price.ts';
import { aRow } from '../../../test/support/evaluation.ts';

const policy = policyFromConfig({ routing: configSchema.parse({}).routing });
const models = ['small', 'middle', 'large'];
const outcomes = [0.001, 0.002, 0.01].map((costUsd) => ({ score: 0, costUsd }));
const row = aRow('any', outcomes);
const choose = createChooser(models, pricesOf([row], 3), policy);

test('the best at 0, the cheapest at 1, whatever the level of scores', () => {
  for (const level of [0, 0.3, 0.69]) {
    const expected = [level, level + 0.3, level + 0.2];
    expect([0, 1].map((tradeOff) => choose(row, expected, tradeOff))).toEqual([1, 0]);
  }
});

test('small differences at either end of the scale are none too small', () => {
  expect(choose(row, [0.001, 0.002, 0.003], 0)).toBe(2);
  expect(choose(row, [0.999, 0.998, 0.997], 0)).toBe(0);
});

test('of equally good ones the cheapest', () => {
  expect(choose(row, [0.5, 0.5, 0.5], 0)).toBe(0);
});

test('models without an outcome are not offered', () => {
  const without = aRow('any', [null, ...outcomes.slice(1)]);
  expect(choose(without, [1, 0.1, 0.2], 0)).toBe(2);
});

test('prices grow with the input as costs did', () => {
  const costs = [
    [100, 0.003, 0.002],
    [300, 0.005, 0.001],
  ] as const;
  const rows = costs.map(([inputTokens, growing, falling]) =>
    aRow(String(inputTokens), [{ score: 1, costUsd: growing }, { score: 1, costUsd: falling }, null], { inputTokens }),
  );
  expect(pricesOf(rows, 3)).toEqual([
    { usdPerRequest: expect.closeTo(0.002, 12), usdPerInputToken: expect.closeTo(1e-5, 12) },
    { usdPerRequest: 0.0015, usdPerInputToken: 0 },
    null,
  ]);
});
