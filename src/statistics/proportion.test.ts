import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { wilsonInterval } from './proportion.ts';

describe('the interval of a share', () => {
  // Newcombe (1998), table I, method 3.
  it.each([
    { successes: 81, trials: 263, low: 0.2553, high: 0.3662 },
    { successes: 15, trials: 148, low: 0.0624, high: 0.1605 },
    { successes: 0, trials: 20, low: 0, high: 0.1611 },
    { successes: 1, trials: 29, low: 0.0061, high: 0.1718 },
  ])('is the published one of $successes of $trials', ({ successes, trials, low, high }) => {
    const interval = wilsonInterval(successes, trials);
    expect(interval[0]).toBeCloseTo(low, 4);
    expect(interval[1]).toBeCloseTo(high, 4);
  });

  it('is everything where there were no trials', () => {
    expect(wilsonInterval(0, 0)).toEqual([0, 1]);
  });

  it('holds the share, lies within [0, 1], and mirrors where successes and failures change places', () => {
    const counts = fc.tuple(fc.integer({ min: 0, max: 10_000 }), fc.integer({ min: 0, max: 10_000 }));
    fc.assert(
      fc.property(
        counts.filter(([a, b]) => a + b > 0),
        ([successes, failures]) => {
          const trials = successes + failures;
          const [low, high] = wilsonInterval(successes, trials);
          expect(low).toBeGreaterThanOrEqual(0);
          expect(high).toBeLessThanOrEqual(1);
          expect(low).toBeLessThanOrEqual(successes / trials + 1e-12);
          expect(high).toBeGreaterThanOrEqual(successes / trials - 1e-12);
          const mirrored = wilsonInterval(failures, trials);
          expect(mirrored[0]).toBeCloseTo(1 - high, 12);
          expect(mirrored[1]).toBeCloseTo(1 - low, 12);
        },
      ),
    );
  });
});
