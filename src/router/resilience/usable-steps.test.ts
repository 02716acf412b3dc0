import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { usableSteps } from './usable-steps.ts';

const plan = (chain: string, share: number) => {
  const { steps, isPanic } = usableSteps(chain.split(''), (step) => step === step.toUpperCase(), share);
  return `${steps.join('')}${isPanic ? '!' : ''}`;
};

describe('usableSteps, where upper case is ejected and ! is panic', () => {
  it.each([
    ['abc', 0.9, 'abc'],
    ['A', 0.9, 'A!'],
    ['A', 1, 'A!'],
    ['Ab', 0.9, 'b'],
    ['Ab', 0.5, 'b'],
    ['aB', 0.4, 'aB!'],
    ['AB', 0.9, 'AB!'],
    ['AbC', 0.9, 'b'],
    ['AbC', 0.5, 'AbC!'],
    ['aBc', 0.5, 'ac'],
    ['aBc', 0, 'aBc!'],
    ['ABCDEFGHIj', 0.9, 'j'],
    ['', 0.9, ''],
  ])('%s with a share of %f → %s', (chain, share, expected) => {
    expect(plan(chain, share)).toBe(expected);
  });
});

test('there is always a step left, in the order of the chain, and a healthy chain is not copied', () => {
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 12 }), share, (ejected, maxShare) => {
      const steps = ejected.map((isEjected, index) => ({ isEjected, index }));
      const result = usableSteps(steps, (step) => step.isEjected, maxShare);
      expect(result.steps.length).toBeGreaterThan(0);
      expect(steps.filter((step) => result.steps.includes(step))).toEqual(result.steps);
      expect(result.steps === steps).toBe(result.isPanic || !ejected.includes(true));
      expect(result.isPanic || result.steps.every((step) => !step.isEjected)).toBe(true);
    }),
  );
});
