/** Keeps the mean cost of a request near a target by what a dollar counts for in the choice. */
export interface CostPacer {
  /** The weight of the cost term, in place of the policy's. */
  weight(): number;
  observe(costUsd: number): void;
}

const learningRate = 0.05;
const highestWeight = 5;
/** Half of the mean lies on the newest 70 requests. */
const smoothing = 0.01;

/**
 * λ ← clip(λ + 0.05·(EMA/target − 1), 0, 5) after each request, EMA being the moving mean of what requests cost: while it
 * is above the target cheaper models gain, while it is below they lose. Begins with the policy's own weight.
 */
export function createCostPacer(targetUsd: number, initialWeight: number): CostPacer {
  let weight = Math.min(highestWeight, initialWeight);
  let meanUsd = targetUsd;
  return {
    weight: () => weight,
    observe(costUsd) {
      meanUsd += smoothing * (costUsd - meanUsd);
      weight = Math.min(highestWeight, Math.max(0, weight + learningRate * (meanUsd / targetUsd - 1)));
    },
  };
}
