import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sampleBeta } from '../../statistics/beta.ts';
import { createRandom } from '../../statistics/random.ts';
import { type Arm, choiceProbabilities, type ExplorationBounds, pickByProbability } from './explore.ts';

const unbounded: ExplorationBounds = { floor: 0, maxShare: 1, maxExtraCost: Infinity };
const arm = (worth: number, draws: number[], costUsd: number | null = 1): Arm => ({
  worth,
  draws,
  base: 0,
  slope: 1,
  offset: 0,
  costUsd,
});
const sum = (list: readonly number[]): number => list.reduce((total, value) => total + value, 0);

describe('probabilities', () => {
  it('are the shares of draws in which a model is best', () => {
    const arms = [arm(0.9, [0.9, 0.7, 0.9, 0.9]), arm(0.8, [0.8, 0.8, 0.8, 0.8])];
    expect(choiceProbabilities(arms, unbounded)).toEqual([0.75, 0.25]);
    const [first, second] = choiceProbabilities(arms, { ...unbounded, floor: 0.1 });
    expect(first).toBeCloseTo(0.05 + 0.9 * 0.75, 12);
    expect(second).toBeCloseTo(0.05 + 0.9 * 0.25, 12);
  });

  it('take base and slope into account', () => {
    const arms = [
      { ...arm(0, [0.9, 0.9]), base: -1, slope: 1 },
      { ...arm(0, [0.1, 0.1]), base: 0, slope: 0.5 },
    ];
    expect(choiceProbabilities(arms, unbounded)).toEqual([0, 1]);
  });

  it('keep each score within its scale', () => {
    const arms = [
      { ...arm(0, [0.5, 0.5]), offset: -1 },
      { ...arm(0.1, [0.2, 0.2]), base: 0.1, offset: -1 },
    ];
    expect(choiceProbabilities(arms, unbounded)).toEqual([0, 1]);
    expect(choiceProbabilities([{ ...arm(1, [4.9]), offset: 1 }, arm(0, [5.1])], unbounded)).toEqual([1, 0]);
  });

  it('never explore more than the bounds allow', () => {
    const arms = [arm(0.9, [0.5, 0.5]), arm(0.8, [0.8, 0.8])];
    expect(choiceProbabilities(arms, { ...unbounded, maxShare: 0.1 })).toEqual([0.9, 0.1]);
    // Ten times as dear: half of the requests would raise the cost by 450%.
    const dear = [arm(0.9, [0.9, 0.7], 1), arm(0.8, [0.8, 0.8], 10)];
    const [, tried = 0] = choiceProbabilities(dear, { ...unbounded, maxExtraCost: 0.09 });
    expect(tried).toBeCloseTo(0.01, 12);
    const cheap = [arm(0.9, [0.9, 0.7], 10), arm(0.8, [0.8, 0.8], 1)];
    expect(choiceProbabilities(cheap, { ...unbounded, maxExtraCost: 0 })).toEqual([0.5, 0.5]);
    const unknown = [arm(0.9, [0.9, 0.7], 1), arm(0.8, [0.8, 0.8], null)];
    expect(choiceProbabilities(unknown, { ...unbounded, maxExtraCost: 0.5 })).toEqual([1, 0]);
    const free = [arm(0.9, [0.9, 0.7], 0), arm(0.8, [0.8, 0.8], 1)];
    expect(choiceProbabilities(free, { ...unbounded, maxExtraCost: 0.5 })).toEqual([1, 0]);
  });

  it('sum to 1, are none of them negative, and keep to the bounds', () => {
    const number = fc.double({ min: -1, max: 1, noNaN: true });
    const arms = fc.array(
      fc.record({
        worth: number,
        draws: fc.array(number, { minLength: 8, maxLength: 8 }),
        base: number,
        slope: fc.double({ min: 0, max: 2, noNaN: true }),
        offset: fc.double({ min: -1, max: 1, noNaN: true }),
        costUsd: fc.option(fc.double({ min: 0, max: 10, noNaN: true })),
      }),
      { minLength: 1, maxLength: 8 },
    );
    const bounds = fc.record({
      floor: fc.double({ min: 0, max: 0.5, noNaN: true }),
      maxShare: fc.double({ min: 0, max: 1, noNaN: true }),
      maxExtraCost: fc.double({ min: 0, max: 5, noNaN: true }),
    });
    fc.assert(
      fc.property(arms, bounds, (given, limits) => {
        const probabilities = choiceProbabilities(given, limits);
        expect(sum(probabilities)).toBeCloseTo(1, 9);
        for (const probability of probabilities) expect(probability).toBeGreaterThanOrEqual(-1e-12);
        const best = given.reduce((top, { worth }, index) => (worth > (given[top]?.worth ?? 0) ? index : top), 0);
        expect(1 - (probabilities[best] ?? 0)).toBeLessThanOrEqual(limits.maxShare + 1e-9);
      }),
    );
  });

  it('are those with which models are chosen', () => {
    const random = createRandom('choices');
    const beliefs = [
      { alpha: 45, beta: 5 },
      { alpha: 17, beta: 3 },
      { alpha: 6, beta: 4 },
    ];
    const arms = beliefs.map((belief) =>
      arm(
        0,
        Array.from({ length: 64 }, () => sampleBeta(belief, random)),
      ),
    );
    const probabilities = choiceProbabilities(arms, { ...unbounded, floor: 0.01 });
    const chosen = [0, 0, 0];
    const count = 50_000;
    for (let choice = 0; choice < count; choice += 1) {
      const index = pickByProbability(probabilities, random.next());
      chosen[index] = (chosen[index] ?? 0) + 1;
    }
    for (const [index, probability] of probabilities.entries()) {
      const deviation = Math.sqrt((probability * (1 - probability)) / count);
      expect(Math.abs((chosen[index] ?? 0) / count - probability)).toBeLessThan(5 * deviation + 1e-9);
    }
  });
});

describe('a pick', () => {
  it('is the one in whose share the number lies, the last possible one beyond all', () => {
    expect([0, 0.49, 0.5, 0.99].map((uniform) => pickByProbability([0.5, 0.5, 0], uniform))).toEqual([0, 0, 1, 1]);
    expect(pickByProbability([0.3, 0.3, 0], 0.999)).toBe(1);
  });
});
