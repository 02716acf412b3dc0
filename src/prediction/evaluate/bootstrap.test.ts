import { expect, test } from 'vitest';
import { bootstrapIntervals } from './bootstrap.ts';

const rows = Float64Array.from({ length: 400 }, (_, row) => row % 2);
const mean = (weights: Float64Array): number =>
  rows.reduce((sum, value, row) => sum + value * (weights[row] ?? 0), 0) / rows.length;

test('the interval of a mean is 1.96 standard errors to either side, and the same every time', () => {
  const [interval] = bootstrapIntervals(rows.length, 1000, 'seed', (weights) => [mean(weights)]);
  const [low = 0, high = 0] = interval ?? [];
  expect(low).toBeCloseTo(0.5 - 1.96 * 0.025, 1.5);
  expect(high).toBeCloseTo(0.5 + 1.96 * 0.025, 1.5);
  expect(bootstrapIntervals(rows.length, 1000, 'seed', (weights) => [mean(weights)])).toEqual([interval]);
});

test('differences are paired: what two ways have in common does not widen them', () => {
  const [difference] = bootstrapIntervals(rows.length, 100, 1, (weights) => [mean(weights) - (mean(weights) - 0.1)]);
  expect(difference).toEqual([expect.closeTo(0.1, 12), expect.closeTo(0.1, 12)]);
});

test('what is not reached in a draw counts as infinite', () => {
  expect(bootstrapIntervals(4, 50, 1, () => [NaN])).toEqual([[Infinity, Infinity]]);
});
