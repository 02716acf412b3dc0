import { withinScale } from '../../statistics/score-scale.ts';

/** How much a choice may try out. */
export interface ExplorationBounds {
  /** Probability that is spread evenly over all models, in [0, 1]: none is ever given up for good. */
  floor: number;
  /** Probability at the most that another than the best model answers, in [0, 1]. */
  maxShare: number;
  /** By how much exploring may raise the expected cost of a request at the most, as a share of the best model's. */
  maxExtraCost: number;
}

/** One model to choose from. */
export interface Arm {
  /** Its worth as it is believed to be. */
  worth: number;
  /** Draws from what is believed of its score, as many for every model. */
  draws: ArrayLike<number>;
  /** With a score its worth is `base + slope · score`, the score being a draw and its offset, within [0, 5]. */
  base: number;
  slope: number;
  offset: number;
  /** Expected cost in USD; null where it is unknown. */
  costUsd: number | null;
}

/**
 * The probability of each model to be chosen, in the order given; they sum to 1. Pure.
 *
 * Thompson's rule: a model is chosen as often as it is the best one in the draws (W. R. Thompson, Biometrika 25, 1933),
 * here with the probabilities themselves, so that what is logged of a choice is exact:
 *
 *     π = (1 − floor)·(share of draws in which it is best) + floor / number of models
 *
 * Where that tries out more than the bounds allow, it is mixed with the certain choice of the best model until it does
 * not. A model of unknown cost raises the cost without bound, and so is only explored where the best one's is unknown too.
 */
export function choiceProbabilities(arms: readonly Arm[], bounds: ExplorationBounds): number[] {
  const best = indexOfBest(arms);
  const wanted = thompson(arms, bounds.floor);
  const explored = 1 - (wanted[best] ?? 0);
  let scale = explored <= bounds.maxShare ? 1 : bounds.maxShare / explored;
  const extraCost = expectedExtraCost(arms, wanted, best);
  if (extraCost * scale > bounds.maxExtraCost) scale = bounds.maxExtraCost / extraCost;
  return wanted.map((probability, index) => scale * probability + (index === best ? 1 - scale : 0));
}

function thompson(arms: readonly Arm[], floor: number): number[] {
  const draws = arms[0]?.draws.length ?? 0;
  const share = arms.map(() => floor / arms.length);
  for (let draw = 0; draw < draws; draw += 1) {
    let winner = 0;
    let highest = Number.NEGATIVE_INFINITY;
    for (let index = 0; index < arms.length; index += 1) {
      const arm = arms[index] as Arm;
      const worth = arm.base + arm.slope * withinScale((arm.draws[draw] ?? Number.NaN) + arm.offset);
      if (worth > highest) {
        highest = worth;
        winner = index;
      }
    }
    share[winner] = (share[winner] ?? 0) + (1 - floor) / draws;
  }
  return share;
}

function indexOfBest(arms: readonly Arm[]): number {
  let best = 0;
  for (const [index, { worth }] of arms.entries()) {
    if (worth > (arms[best]?.worth ?? Number.NEGATIVE_INFINITY)) best = index;
  }
  return best;
}

/** Σ π·(cost − best's cost)⁺, as a share of the best model's cost. */
function expectedExtraCost(arms: readonly Arm[], probabilities: readonly number[], best: number): number {
  const bestCost = arms[best]?.costUsd ?? null;
  if (bestCost === null) return 0;
  let extra = 0;
  for (const [index, { costUsd }] of arms.entries()) {
    const probability = probabilities[index] ?? 0;
    if (index === best || probability === 0) continue;
    if (costUsd === null) return Number.POSITIVE_INFINITY;
    extra += probability * Math.max(0, costUsd - bestCost);
  }
  return extra === 0 ? 0 : extra / bestCost;
}

/** Picks an index by its probability, with `uniform` in [0, 1). */
export function pickByProbability(probabilities: readonly number[], uniform: number): number {
  let left = uniform;
  for (const [index, probability] of probabilities.entries()) {
    left -= probability;
    if (left < 0) return index;
  }
  // Rounding left a little over: the last that can be chosen at all.
  return probabilities.findLastIndex((probability) => probability > 0);
}
