/** Two failure rates between which a CUSUM decides, both in (0, 1): the usual one, and the one that is looked for. */
export interface CusumRates {
  usual: number;
  changed: number;
}

const lowestRate = 0.005;
const highestUsualRate = 0.8;
const highestRate = 0.99;

/** q₁ = max(2·q₀, q₀ + 0.15): half as bad again is noise, this much is not. */
export function cusumRates(failureRate: number): CusumRates {
  const usual = clip(failureRate);
  return { usual, changed: Math.min(highestRate, Math.max(2 * usual, usual + 0.15)) };
}

/** q₁ = q₀ / 2: a model that fails half as often is another model. */
export function improvedRates(failureRate: number): CusumRates {
  const usual = clip(failureRate);
  return { usual, changed: usual / 2 };
}

/**
 * The next value of a Bernoulli CUSUM, W ← max(0, W + log-likelihood ratio of the outcomes). While the failure rate is the
 * usual one, W reaches ln(n) at most once in about n outcomes.
 *
 * E. S. Page, "Continuous inspection schemes", Biometrika 41, 1954; M. R. Reynolds and Z. G. Stoumbos, "A CUSUM chart for
 * monitoring a proportion when inspecting continuously", Journal of Quality Technology 31(1), 1999.
 */
export function nextCusum(
  value: number,
  { successes, failures }: { successes: number; failures: number },
  { usual, changed }: CusumRates,
): number {
  const ratio = failures * Math.log(changed / usual) + successes * Math.log((1 - changed) / (1 - usual));
  return Math.max(0, value + ratio);
}

function clip(failureRate: number): number {
  return Math.min(highestUsualRate, Math.max(lowestRate, failureRate));
}
