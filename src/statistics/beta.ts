import type { Random } from './random.ts';

/** A Beta distribution of a probability; both parameters are positive. */
export interface Beta {
  alpha: number;
  beta: number;
}

/** α / (α + β). */
export function betaMean({ alpha, beta }: Beta): number {
  return alpha / (alpha + beta);
}

/**
 * The value in [0, 1] below which a share `probability` in [0, 1] of the distribution lies, to 1e-9. By bisection, since
 * the distribution function is monotone whatever the parameters.
 */
export function betaQuantile(distribution: Beta, probability: number): number {
  let low = 0;
  let high = 1;
  while (high - low > 1e-9) {
    const middle = (low + high) / 2;
    if (betaCdf(distribution, middle) < probability) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** The two values that hold the middle share `level` of the distribution between them. */
export function betaInterval(distribution: Beta, level: number): [low: number, high: number] {
  return [betaQuantile(distribution, (1 - level) / 2), betaQuantile(distribution, (1 + level) / 2)];
}

/**
 * Share of the distribution below `x`: the regularised incomplete beta function I_x(α, β), as a continued fraction
 * (DLMF 8.17.22, https://dlmf.nist.gov/8.17.E22) on the side where it converges fast.
 */
export function betaCdf({ alpha, beta }: Beta, x: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (alpha + 1) / (alpha + beta + 2)) return 1 - betaCdf({ alpha: beta, beta: alpha }, 1 - x);
  const logFactor = alpha * Math.log(x) + beta * Math.log1p(-x) - logBeta(alpha, beta);
  return (Math.exp(logFactor) / alpha) * continuedFraction(alpha, beta, x);
}

/** Natural logarithm of the beta function of two positive numbers. */
export function logBeta(a: number, b: number): number {
  return logGamma(a) + logGamma(b) - logGamma(a + b);
}

/** Evaluated from the front by Lentz's method, as modified by Thompson and Barnett (1986). */
function continuedFraction(a: number, b: number, x: number): number {
  const tiny = 1e-300;
  const bounded = (value: number): number => (Math.abs(value) < tiny ? tiny : value);
  let c = 1;
  let d = 1 / bounded(1 - ((a + b) * x) / (a + 1));
  let value = d;
  for (let m = 1; m <= 1000; m += 1) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    let step = 1;
    for (const numerator of [even, odd]) {
      d = 1 / bounded(1 + numerator * d);
      c = bounded(1 + numerator / c);
      step = c * d;
      value *= step;
    }
    if (Math.abs(step - 1) < 1e-14) break;
  }
  return value;
}

/** Stirling's series (DLMF 5.11.1) after the argument was raised beyond 10; an absolute error below 1e-12. */
function logGamma(x: number): number {
  let shift = 0;
  let z = x;
  while (z < 10) {
    shift -= Math.log(z);
    z += 1;
  }
  const square = z * z;
  const series = (1 / 12 - (1 / 360 - (1 / 1260 - 1 / (1680 * square)) / square) / square) / z;
  return shift + (z - 0.5) * Math.log(z) - z + Math.log(2 * Math.PI) / 2 + series;
}

/** One draw: X / (X + Y) of two gamma variables. */
export function sampleBeta({ alpha, beta }: Beta, random: Random): number {
  const x = sampleGamma(alpha, random);
  const y = sampleGamma(beta, random);
  return x + y === 0 ? Number(random.chance(alpha / (alpha + beta))) : x / (x + y);
}

/**
 * One draw of a gamma variable of the given shape > 0 and scale 1. George Marsaglia and Wai Wan Tsang, "A simple method
 * for generating gamma variables", ACM Transactions on Mathematical Software 26(3), 2000,
 * https://doi.org/10.1145/358407.358414; below shape 1 by their remark on boosting.
 */
function sampleGamma(shape: number, random: Random): number {
  if (shape < 1) return sampleGamma(shape + 1, random) * (1 - random.next()) ** (1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = random.normal();
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - random.next()) < (x * x) / 2 + d - d * v + d * Math.log(v)) return d * v;
  }
}
