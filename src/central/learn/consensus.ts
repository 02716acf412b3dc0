import type { Outcomes } from './posterior.ts';

/** Parts with fewer outcomes say nothing of how much parts differ. */
const fewestOutcomes = 10;

/**
 * The success rate of each part of a cell (each instance, provider or query type), drawn towards that of the whole the
 * more, the less its own evidence says and the less parts differ beyond chance:
 *
 *     p̃ᵢ = (nᵢ·p̂ᵢ + κ·p̄) / (nᵢ + κ),  κ = max(1, p̄(1 − p̄)/τ² − 1),  τ² = max(0, Var(p̂ᵢ) − mean[p̂ᵢ(1 − p̂ᵢ)/nᵢ])
 *
 * Where parts do not differ (τ² = 0), or only one says anything, each is the whole. Rates are in [0, 1].
 *
 * Empirical Bayes for a beta-binomial, by moments; J. C. Kleinman, "Proportions with extraneous variance", Journal of the
 * American Statistical Association 68, 1973.
 */
export function drawTowardsWhole(parts: readonly Outcomes[], wholeRate: number): number[] {
  const strength = strengthOfWhole(parts, wholeRate);
  return parts.map(({ successes, failures }) => {
    const count = Math.max(0, successes + failures);
    if (strength === Infinity || count === 0) return wholeRate;
    return (Math.min(count, Math.max(0, successes)) + strength * wholeRate) / (count + strength);
  });
}

/** κ: how many outcomes the whole counts for in each part; infinite where the parts do not differ beyond chance. */
function strengthOfWhole(parts: readonly Outcomes[], wholeRate: number): number {
  const rates = parts.flatMap(({ successes, failures }) => {
    const count = successes + failures;
    return count < fewestOutcomes ? [] : [{ rate: Math.min(1, Math.max(0, successes / count)), count }];
  });
  if (rates.length < 2) return Infinity;
  const mean = rates.reduce((sum, { rate }) => sum + rate, 0) / rates.length;
  const variance = rates.reduce((sum, { rate }) => sum + (rate - mean) ** 2, 0) / (rates.length - 1);
  const chance = rates.reduce((sum, { rate, count }) => sum + (rate * (1 - rate)) / count, 0) / rates.length;
  const excess = Math.max(0, variance - chance);
  return excess === 0 ? Infinity : Math.max(1, (wholeRate * (1 - wholeRate)) / excess - 1);
}
