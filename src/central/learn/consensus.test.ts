import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { drawTowardsWhole } from './consensus.ts';

const part = (successes: number, count: number) => ({ successes, failures: count - successes });

describe('parts', () => {
  it('that differ no more than by chance are the whole', () => {
    expect(drawTowardsWhole([part(90, 100), part(91, 100), part(89, 100)], 0.9)).toEqual([0.9, 0.9, 0.9]);
  });

  it('of which only one says anything are the whole', () => {
    expect(drawTowardsWhole([part(900, 1000), part(1, 2)], 0.9)).toEqual([0.9, 0.9]);
    expect(drawTowardsWhole([], 0.9)).toEqual([]);
  });

  it('that differ are drawn to the whole by the formula', () => {
    // p̂ = 0.95 and 0.75: Var = 0.02, chance = (0.95·0.05 + 0.75·0.25)/2/1000, κ = 0.85·0.15/τ² − 1.
    const excess = 0.02 - (0.95 * 0.05 + 0.75 * 0.25) / 2 / 1000;
    const strength = (0.85 * 0.15) / excess - 1;
    const [first, second] = drawTowardsWhole([part(950, 1000), part(750, 1000)], 0.85);
    expect(first).toBeCloseTo((950 + strength * 0.85) / (1000 + strength), 12);
    expect(second).toBeCloseTo((750 + strength * 0.85) / (1000 + strength), 12);
  });

  it('with little evidence are drawn more than those with much', () => {
    const [, , small = 0, large = 0] = drawTowardsWhole(
      [part(99, 100), part(60, 100), part(10, 20), part(1000, 2000)],
      0.8,
    );
    expect(Math.abs(small - 0.8)).toBeLessThan(Math.abs(large - 0.8));
  });

  it('lie between what they saw and the whole, corrections or not', () => {
    const parts = fc.array(
      fc.record({
        successes: fc.double({ min: -2, max: 500, noNaN: true }),
        failures: fc.double({ min: -2, max: 500, noNaN: true }),
      }),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(parts, fc.double({ min: 0.01, max: 0.99, noNaN: true }), (given, whole) => {
        for (const rate of drawTowardsWhole(given, whole)) {
          expect(rate).toBeGreaterThanOrEqual(0);
          expect(rate).toBeLessThanOrEqual(1);
        }
      }),
    );
  });
});
