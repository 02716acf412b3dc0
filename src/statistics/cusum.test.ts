import { describe, expect, it } from 'vitest';
import { cusumRates, improvedRates, nextCusum } from './cusum.ts';
import { createRandom } from './random.ts';

/** Outcomes until the statistic first reaches the threshold, at a failure rate; the limit where it does not. */
function runLength(seed: string, failureRate: number, rates: ReturnType<typeof cusumRates>, limit: number): number {
  const random = createRandom(seed);
  let value = 0;
  for (let count = 1; count <= limit; count += 1) {
    const failures = Number(random.chance(failureRate));
    value = nextCusum(value, { successes: 1 - failures, failures }, rates);
    if (value >= Math.log(20_000)) return count;
  }
  return limit;
}

const seeds = Array.from({ length: 40 }, (_, index) => `cusum ${index}`);

describe('the CUSUM', () => {
  it('looks for twice the failures, and for 15 points more of a model that hardly fails', () => {
    expect(cusumRates(0.3)).toEqual({ usual: 0.3, changed: 0.6 });
    expect(cusumRates(0.05)).toEqual({ usual: 0.05, changed: 0.2 });
    expect(cusumRates(0)).toEqual({ usual: 0.005, changed: 0.155 });
    expect(cusumRates(1)).toEqual({ usual: 0.8, changed: 0.99 });
    expect(improvedRates(0.3)).toEqual({ usual: 0.3, changed: 0.15 });
  });

  it('adds up the log-likelihood ratio, and never falls below 0', () => {
    const rates = { usual: 0.1, changed: 0.25 };
    expect(nextCusum(0, { successes: 1, failures: 0 }, rates)).toBe(0);
    expect(nextCusum(1, { successes: 2, failures: 3 }, rates)).toBeCloseTo(
      1 + 3 * Math.log(2.5) + 2 * Math.log(0.75 / 0.9),
      12,
    );
  });

  it('finds 30 points more failures within 100 outcomes, and hardly ever finds what is not there', () => {
    const rates = cusumRates(0.05);
    const found = seeds.map((seed) => runLength(seed, 0.35, rates, 1000));
    expect(Math.max(...found)).toBeLessThan(100);
    const quiet = seeds.map((seed) => runLength(seed, 0.05, rates, 20_000));
    // 40 runs of 20,000: at one false alarm in 20,000 there would be about 25 alarms; a CUSUM has fewer.
    expect(quiet.filter((length) => length < 20_000).length).toBeLessThanOrEqual(25);
  });
});
