import type { ScoredModel } from './score.ts';

/** Keeps the quality of choices at a floor, at the least cost, by the trade-off between the two. */
export interface QualityFloor {
  /** For the next choice, in [0, 1]. */
  tradeOff(): number;
  /** Moving mean of the ratios observed; null before the first. */
  meanRatio(): number | null;
  /** `ratio`: success rate believed of the chosen model, divided by the best eligible one's. */
  observe(ratio: number): void;
}

/** How far the trade-off moves for a ratio that is off by one. */
const learningRate = 0.1;
/** What may be owed at the most. */
const lowestState = -1;
/** Half of the mean lies on the newest 350 choices. */
const smoothing = 0.002;
/** By how much the ratio of a single choice may lie below the floor. */
const slack = 0.1;

/**
 * t ← t + 0.1·(ratio − floor) after each choice, held at 1 above; below 0 it is used as 0, and counts on. Begins at 0, the
 * best model in any case.
 *
 * From this follows, whatever the requests are: the ratios of any n choices sum to n·floor + (t after − t before)/0.1, and to
 * more where t was held. So the mean over all choices is never below the floor while t is not below 0, and that over any
 * 2,000 of them at most 0.005 below it. (The argument is that of I. Gibbs and E. Candès, "Adaptive conformal inference under
 * distribution shift", NeurIPS 2021, https://arxiv.org/abs/2106.00170.)
 */
export function createQualityFloor(floor: number): QualityFloor {
  let state = 0;
  let mean: number | null = null;
  return {
    tradeOff: () => Math.max(0, state),
    meanRatio: () => mean,
    observe(ratio) {
      state = Math.min(1, Math.max(lowestState, state + learningRate * (ratio - floor)));
      mean = mean === null ? ratio : mean + smoothing * (ratio - mean);
    },
  };
}

/** The chosen model's success rate divided by the best one's, in (0, 1]; `scored` must not be empty. */
export function qualityRatio(chosen: ScoredModel, scored: readonly ScoredModel[]): number {
  return chosen.successRate / highestRate(scored);
}

/**
 * The ranked models, unless the first of them is far below the floor: then the cheapest of those that are not comes first.
 * Where the others stand stays, since an answer of theirs is better than none. Pure.
 */
export function keepNearFloor(ranked: readonly ScoredModel[], floor: number): readonly ScoredModel[] {
  const least = (floor - slack) * highestRate(ranked);
  const [first] = ranked;
  if (first === undefined || first.successRate >= least) return ranked;
  const cheapest = ranked
    .filter(({ successRate }) => successRate >= least)
    .reduce((a, b) => (costOf(b) < costOf(a) ? b : a));
  return [cheapest, ...ranked.filter((scored) => scored !== cheapest)];
}

const highestRate = (scored: readonly ScoredModel[]): number =>
  scored.reduce((highest, { successRate }) => Math.max(highest, successRate), 0);

const costOf = ({ costUsd }: ScoredModel): number => costUsd ?? Number.POSITIVE_INFINITY;
