import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Beta, betaCdf, betaInterval, betaMean, betaQuantile, sampleBeta } from './beta.ts';
import { createRandom } from './random.ts';

const anyBeta = fc.record({
  alpha: fc.double({ min: 0.05, max: 20_000, noNaN: true }),
  beta: fc.double({ min: 0.05, max: 20_000, noNaN: true }),
});

/** P(X < x) for whole parameters: at least α of α + β − 1 coins of probability x fall. */
function byBinomial({ alpha, beta }: Beta, x: number): number {
  const n = alpha + beta - 1;
  let sum = 0;
  let choose = 1;
  for (let k = 0; k <= n; k += 1) {
    if (k >= alpha) sum += choose * x ** k * (1 - x) ** (n - k);
    choose = (choose * (n - k)) / (k + 1);
  }
  return sum;
}

describe('the distribution function', () => {
  it('has closed forms', () => {
    expect(betaCdf({ alpha: 1, beta: 1 }, 0.3)).toBeCloseTo(0.3, 12);
    expect(betaCdf({ alpha: 3, beta: 1 }, 0.7)).toBeCloseTo(0.7 ** 3, 11);
    expect(betaCdf({ alpha: 1, beta: 4 }, 0.2)).toBeCloseTo(1 - 0.8 ** 4, 12);
    expect(betaCdf({ alpha: 0.5, beta: 0.5 }, 0.25)).toBeCloseTo((2 / Math.PI) * Math.asin(0.5), 12);
  });

  it('is a sum of binomials for whole parameters', () => {
    const whole = fc.record({ alpha: fc.integer({ min: 1, max: 20 }), beta: fc.integer({ min: 1, max: 20 }) });
    fc.assert(
      fc.property(whole, fc.double({ min: 0, max: 1, noNaN: true }), (distribution, x) => {
        expect(betaCdf(distribution, x)).toBeCloseTo(byBinomial(distribution, x), 9);
      }),
    );
  });

  it('grows from 0 to 1, and quantiles are its inverse', () => {
    const share = fc.double({ min: 0.001, max: 0.999, noNaN: true });
    fc.assert(
      fc.property(anyBeta, share, share, (distribution, a, b) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        expect(betaCdf(distribution, low)).toBeLessThanOrEqual(betaCdf(distribution, high) + 1e-12);
        const at = betaQuantile(distribution, a);
        expect(betaCdf(distribution, Math.max(0, at - 2e-9))).toBeLessThanOrEqual(a + 1e-6);
        expect(betaCdf(distribution, Math.min(1, at + 2e-9))).toBeGreaterThanOrEqual(a - 1e-6);
      }),
    );
  });

  it('gives intervals around the mean that shrink with evidence', () => {
    const [low, high] = betaInterval({ alpha: 90, beta: 10 }, 0.9);
    expect(low).toBeCloseTo(0.8465, 3);
    expect(high).toBeCloseTo(0.9443, 3);
    const [closer, still] = betaInterval({ alpha: 900, beta: 100 }, 0.9);
    expect(still - closer).toBeLessThan((high - low) / 3);
  });
});

describe('draws', () => {
  it('have the mean and the variance of the distribution, also below 1', () => {
    for (const distribution of [
      { alpha: 0.3, beta: 0.7 },
      { alpha: 9, beta: 1 },
      { alpha: 4000, beta: 500 },
    ]) {
      const random = createRandom('beta');
      const draws = Array.from({ length: 20_000 }, () => sampleBeta(distribution, random));
      const mean = draws.reduce((sum, draw) => sum + draw, 0) / draws.length;
      const variance = draws.reduce((sum, draw) => sum + (draw - mean) ** 2, 0) / draws.length;
      const expected = betaMean(distribution);
      const strength = distribution.alpha + distribution.beta;
      const spread = Math.sqrt((expected * (1 - expected)) / (strength + 1));
      expect(Math.abs(mean - expected)).toBeLessThan((5 * spread) / Math.sqrt(draws.length));
      expect(Math.sqrt(variance) / spread).toBeCloseTo(1, 1);
    }
  });

  it('lie in [0, 1] whatever the parameters', () => {
    const random = createRandom(1);
    fc.assert(
      fc.property(anyBeta, (distribution) => {
        const draw = sampleBeta(distribution, random);
        expect(draw).toBeGreaterThanOrEqual(0);
        expect(draw).toBeLessThanOrEqual(1);
      }),
    );
  });
});
