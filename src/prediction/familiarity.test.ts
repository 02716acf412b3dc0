import fc from 'fast-check';
import { expect, test } from 'vitest';
import { contrastsOf, familiarityOf } from './familiarity.ts';

/** Two models over four topics: on the first three the first model is better by as much, on the last one the second. */
const contrasts = contrastsOf(4, Float32Array.of(0.6, 0.5), Float32Array.of(0.9, 0.7, 0.8, 0.2, 0.6, 0.4, 0.5, 0.6));
const familiarity = (...shares: number[]): number => familiarityOf(Float64Array.from(shares), contrasts);

test('a prompt of one topic or two is of a known kind', () => {
  expect(familiarity(0, 1, 0, 0)).toBe(1);
  expect(familiarity(0.5, 0, 0, 0.5)).toBe(1);
});

test('so is one of many topics that agree about the models, whether they are hard or easy', () => {
  expect(familiarity(1 / 3, 1 / 3, 1 / 3, 0)).toBeCloseTo(1, 5);
  expect(familiarity(0, 1 / 3, 1 / 3, 1 / 3)).toBeLessThan(0.5);
});

test('of a prompt that is of all topics alike nothing is known', () => {
  expect(familiarity(0.25, 0.25, 0.25, 0.25)).toBeCloseTo(0, 6);
});

test('where no model does better on any topic than usual, all topics agree', () => {
  const even = contrastsOf(4, Float32Array.of(0.5, 0.3), Float32Array.of(0.5, 0.5, 0.5, 0.5, 0.3, 0.3, 0.3, 0.3));
  expect(familiarityOf(Float64Array.of(0.25, 0.25, 0.25, 0.25), even)).toBe(1);
  // Not exactly so in 32 bits: each topic is harder or easier for both by as much.
  const eases = contrastsOf(4, Float32Array.of(0.5, 0.3), Float32Array.of(0.6, 0.43, 0.7, 0.11, 0.4, 0.23, 0.5, -0.09));
  expect(familiarityOf(Float64Array.of(0.25, 0.25, 0.25, 0.25), eases)).toBe(1);
});

test('lies between 0 and 1, whatever the shares', () => {
  const weights = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 4, maxLength: 4 });
  fc.assert(
    fc.property(
      weights.filter((list) => list.some((weight) => weight > 0.01)),
      (list) => {
        const sum = list.reduce((all, weight) => all + weight, 0);
        const known = familiarity(...list.map((weight) => weight / sum));
        expect(known).toBeGreaterThanOrEqual(0);
        expect(known).toBeLessThanOrEqual(1);
      },
    ),
  );
});
