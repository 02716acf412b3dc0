import { expect, test } from 'vitest';
import { createCostPacer } from './cost-pacer.ts';

/** A choice between a dear and a cheap model: the dear one while a dollar counts for little. */
const costAt = (weight: number): number => (weight < 0.6 ? 0.01 : 0.001);

test('the mean cost comes to the target', () => {
  const pacer = createCostPacer(0.004, 0.35);
  const costs = Array.from({ length: 20_000 }, () => {
    const cost = costAt(pacer.weight());
    pacer.observe(cost);
    return cost;
  });
  const late = costs.slice(10_000);
  expect(late.reduce((total, cost) => total + cost, 0) / late.length).toBeCloseTo(0.004, 3);
});

test('the weight follows the formula and stays within its bounds', () => {
  const pacer = createCostPacer(1, 0.35);
  pacer.observe(2);
  // EMA = 1.01, λ = 0.35 + 0.05·0.01
  expect(pacer.weight()).toBeCloseTo(0.3505, 12);
  for (let request = 0; request < 10_000; request += 1) pacer.observe(100);
  expect(pacer.weight()).toBe(5);
  for (let request = 0; request < 10_000; request += 1) pacer.observe(0);
  expect(pacer.weight()).toBe(0);
});
