import { logBeta } from './beta.ts';
import { normalCdf } from './normal.ts';

/**
 * How a mixture is tuned: tightest at an intrinsic time of about `time`, at the level `alpha` in (0, 1).
 *
 * S. R. Howard, A. Ramdas, J. McAuliffe and J. Sekhon, "Time-uniform, nonparametric, nonasymptotic confidence sequences", The
 * Annals of Statistics 49(2), 2021, arXiv 1810.08240; the numbers of the tests are those of its authors' library, confseq.
 */
export interface Tuning {
  time: number;
  alpha: number;
}

/** The parameter ρ of a normal mixture that is tightest there. */
export function bestRho({ time, alpha }: Tuning): number {
  const twice = 2 * Math.log(1 / alpha);
  return time / (twice + Math.log1p(twice));
}

/** Logarithm of the two-sided normal mixture of a sum with the intrinsic time (sum of variances) given: an e-value. */
export function logTwoSidedNormalMixture(sum: number, time: number, rho: number): number {
  return 0.5 * Math.log(rho / (time + rho)) + sum ** 2 / (2 * (time + rho));
}

/** The same, where only a positive sum is evidence. */
export function logOneSidedNormalMixture(sum: number, time: number, rho: number): number {
  const scale = time + rho;
  return 0.5 * Math.log((4 * rho) / scale) + sum ** 2 / (2 * scale) + Math.log(normalCdf(sum / Math.sqrt(scale)));
}

/** How far from 0 a sum of mean 0 ever comes with a probability of `alpha` at the most. */
export function normalMixtureBound(time: number, rho: number, alpha: number): number {
  return Math.sqrt((time + rho) * (2 * Math.log(1 / alpha) + Math.log((time + rho) / rho)));
}

/**
 * Half the width of an interval around the mean of `count` values that holds for all times at once, as the central limit
 * theorem comes true; Infinity without values. `rho` in (0, ∞) as in `asymptoticRho`.
 *
 * I. Waudby-Smith, D. Arbour, R. Sinha, E. H. Kennedy and A. Ramdas, "Time-uniform central limit theory and asymptotic
 * confidence sequences", The Annals of Statistics 52(6), 2024, arXiv 2103.06476.
 */
export function asymptoticHalfWidth(count: number, variance: number, rho: number, alpha: number): number {
  if (count === 0) return Infinity;
  const scaled = count * variance * rho ** 2 + 1;
  return Math.sqrt(((2 * scaled) / (count ** 2 * rho ** 2)) * Math.log(Math.sqrt(scaled) / alpha));
}

/** The ρ of `asymptoticHalfWidth` that is tightest at an intrinsic time. */
export function asymptoticRho(tuning: Tuning): number {
  return 1 / Math.sqrt(bestRho(tuning));
}

/**
 * An interval of the probability behind `successes` of `trials` that holds for all times at once, by the beta-binomial
 * mixture; [0, 1] without trials. To 1e-9.
 */
export function bernoulliConfidenceSequence(
  successes: number,
  trials: number,
  alpha: number,
  tuning: Tuning,
): [low: number, high: number] {
  if (trials === 0) return [0, 1];
  const share = successes / trials;
  const excess = (p: number): number => logBetaBinomialMixture(successes, trials, p, tuning) - Math.log(1 / alpha);
  return [boundary(excess, share, 0), boundary(excess, share, 1)];
}

/** Where between the estimate and an end of the scale a probability begins to be rejected. */
function boundary(excess: (p: number) => number, share: number, end: 0 | 1): number {
  let accepted = share;
  let rejected: number = end;
  const edge = end === 0 ? 1e-12 : 1 - 1e-12;
  if (share === end || excess(edge) <= 0) return end;
  while (Math.abs(accepted - rejected) > 1e-9) {
    const middle = (accepted + rejected) / 2;
    if (excess(middle) > 0) rejected = middle;
    else accepted = middle;
  }
  return (accepted + rejected) / 2;
}

/** Two-sided, for values that are −p or 1 − p: how much better than p another probability explains them. */
function logBetaBinomialMixture(successes: number, trials: number, p: number, { time, alpha }: Tuning): number {
  const g = p;
  const h = 1 - p;
  const variance = g * h;
  const r = Math.max(bestRho({ time: time * variance, alpha }) - variance, 1e-3 * variance);
  const v = trials * variance;
  const sum = successes - trials * p;
  return (
    -((v + h * sum) / h) * Math.log(g) -
    ((v - g * sum) / g) * Math.log(h) +
    logBeta((r + v - g * sum) / g, (r + v + h * sum) / h) -
    logBeta(r / g, r / h)
  );
}
