import { createRandom } from './random.ts';

/** One action that the new policy may choose in a situation. */
export interface NewChoice {
  action: string;
  /** With which probability the new policy chooses it, in (0, 1]. */
  probability: number;
  /** With which probability the logging policy would have chosen it, in [0, 1]. */
  loggedProbability: number;
}

/** One logged decision with what came of it. */
export interface BanditFeedback {
  /** Situations of one name are taken to be alike by the direct model. */
  context: string;
  /** What was chosen. */
  action: string;
  /** With which probability the logging policy chose it, in (0, 1]. */
  propensity: number;
  /** All that the new policy would choose with a probability above 0; the probabilities sum to 1. */
  choices: readonly NewChoice[];
  /** What came of it, one number for each measure in the measure's unit; null where it is not known. */
  rewards: readonly (number | null)[];
}

/** Between which values a measure lies; both may be infinite. */
export interface MeasureRange {
  low: number;
  high: number;
  /** By how much a rare event, which the log need not hold, changes it: 1 for a rate; 0 where there is no such event. */
  span: number;
}

/** In the measure's unit; `interval` holds the true value with a probability of about 95%. */
export interface Estimate {
  value: number;
  interval: [low: number, high: number];
}

/** The new policy's value, and by how much it is above the logging policy's. */
export interface NewPolicyEstimate extends Estimate {
  difference: Estimate;
}

export interface MeasureEstimate {
  /** Decisions whose reward is known. */
  count: number;
  /** How many decisions of the new policy itself would say as much: (Σw)² / Σw², from 0 to `count`. */
  effectiveCount: number;
  /** What the logging policy had: the mean of the rewards. */
  logged: Estimate;
  /** Null where the new policy would have chosen nothing that was logged. */
  snips: NewPolicyEstimate | null;
  doublyRobust: NewPolicyEstimate;
}

export interface OverlapSummary {
  /** Decisions in all. */
  count: number;
  /** As `MeasureEstimate.effectiveCount`, over all decisions. */
  effectiveCount: number;
  /** Probability that the new policy chooses what the logging policy had given no probability; mean over the decisions. */
  unsupportedShare: number;
  /** Probability that the new policy, asked now, chooses another action than was served; mean over the decisions. */
  changedShare: number;
  /** Share of decisions with propensity 1. */
  sureShare: number;
  /** Mean of the weights, 1 − `unsupportedShare` in expectation where the propensities are true; null without decisions. */
  meanWeight: Estimate | null;
}

/** Logged decisions, as far as the estimates need them: about 16 bytes for each choice, and 60 for each decision. */
export interface OffPolicyLog {
  /** @throws RangeError for probabilities that are none, or do not sum to 1, and for rewards that are not finite. */
  add(feedback: BanditFeedback): void;
  overlap(): OverlapSummary;
  /** Of the measure at this place in the `rewards`; null with fewer than two decisions. One pass over the log. */
  estimate(measure: number): MeasureEstimate | null;
}

/** 97.5th percentile of the standard normal distribution. */
const normalP975 = 1.959963984540054;
/**
 * Where n tries show nothing bad, its rate may still be up to 3/n (with 95%): J. A. Hanley and A. Lippman-Hand, "If nothing
 * goes wrong, is everything all right?", JAMA 249(13), 1983.
 */
const ruleOfThree = 3;
/** Observations that the mean of an action counts for in the mean of an action and context. */
const shrinkage = 10;
const tolerance = 1e-6;

/**
 * What another policy would have been worth, from decisions of a logging policy whose propensities p are known. The weight
 * of a decision is w = π(action) / p. Two estimators, since each can fail where the other does not:
 *
 *     SNIPS          Σ w·r / Σ w
 *     doubly robust  mean of Σₐ π(a)·q(a) + w·(r − q(action))
 *
 * SNIPS: A. Swaminathan and T. Joachims, "The Self-Normalized Estimator for Counterfactual Learning", NIPS 2015; slightly
 * biased, by O(1/n), and for it of far lower variance than the plain mean of w·r. Doubly robust: M. Dudík, J. Langford and
 * L. Li, "Doubly Robust Policy Evaluation and Learning", ICML 2011, https://arxiv.org/abs/1103.4601; right where the
 * propensities or the model q are. Here q is the mean reward of an action in a context, shrunk towards the action's mean and
 * this towards that of all; it is cross-fitted: each half of the decisions, drawn with a fixed seed, is judged by the q of the
 * other half, so that no reward predicts itself.
 *
 * Intervals are those of the linearised variance, mean ± 1.96·√(Σφ² / n(n − 1)), φ being what a decision adds to the
 * estimate: w/w̄·(r − v) for SNIPS (A. B. Owen, "Monte Carlo theory, methods and examples", 2013, section 9.2,
 * https://artowen.su.domains/mc/), the decision's term − v for doubly robust. It is chosen over a bootstrap because it takes
 * one pass over the log instead of a thousand, beside a router that answers requests, and because it gives the difference of
 * the two policies on the same decisions exactly: their φ are subtracted before they are squared. It needs many decisions:
 * below an effective count of about 100 the intervals are too narrow. No interval is narrower than the rule of three allows
 * for the measure's span, since rewards that are all alike show no variance, but prove little; and no estimate lies beyond
 * the measure's bounds.
 */
export function createOffPolicyLog(ranges: readonly MeasureRange[]): OffPolicyLog {
  const random = createRandom('off-policy folds');
  const actions = new Map<string, number>();
  /** The number of each pair of a context and an action. */
  const cellsOf = new Map<string, Map<string, number>>();
  const actionOfCell: number[] = [];

  // One entry for each decision, choices one after the other, so that a log of many decisions stays small.
  const weights: number[] = [];
  const servedCells: number[] = [];
  const folds: number[] = [];
  const rewards: number[][] = ranges.map(() => []);
  const choiceEnds: number[] = [];
  const choiceCells: number[] = [];
  const choiceProbabilities: number[] = [];
  const sums = { unsupported: 0, changed: 0, sure: 0 };

  function cellOf(action: string, context: string): number {
    const cells = cellsOf.get(context) ?? new Map<string, number>();
    cellsOf.set(context, cells);
    const known = cells.get(action);
    if (known !== undefined) return known;
    const number = actions.get(action) ?? actions.size;
    actions.set(action, number);
    const cell = actionOfCell.push(number) - 1;
    cells.set(action, cell);
    return cell;
  }

  function add(feedback: BanditFeedback): void {
    check(feedback, ranges.length);
    const { context, action, propensity, choices } = feedback;
    let kept = 0;
    for (const choice of choices) {
      if (choice.action === action) kept += choice.probability;
      else if (choice.loggedProbability === 0) sums.unsupported += choice.probability;
      choiceCells.push(cellOf(choice.action, context));
      choiceProbabilities.push(choice.probability);
    }
    choiceEnds.push(choiceCells.length);
    weights.push(kept / propensity);
    servedCells.push(cellOf(action, context));
    folds.push(random.int(2));
    for (const [measure, column] of rewards.entries()) column.push(feedback.rewards[measure] ?? Number.NaN);
    sums.changed += Math.max(0, 1 - kept);
    if (propensity === 1) sums.sure += 1;
  }

  function overlap(): OverlapSummary {
    const count = weights.length;
    const shareOf = (sum: number): number => (count === 0 ? 0 : sum / count);
    const total = sumOf(weights);
    const squares = sumOf(weights.map((weight) => weight ** 2));
    const mean = shareOf(total);
    const spread = sumOf(weights.map((weight) => (weight - mean) ** 2));
    return {
      count,
      effectiveCount: squares === 0 ? 0 : total ** 2 / squares,
      unsupportedShare: shareOf(sums.unsupported),
      changedShare: shareOf(sums.changed),
      sureShare: shareOf(sums.sure),
      meanWeight: count < 2 ? null : estimateOf(mean, spread, count, 0, unbounded),
    };
  }

  /** The mean reward of each cell in the fold, one fold after the other; what was never seen is as the rest is on average. */
  function directModel(column: readonly number[]): [number[], number[]] {
    const fit = (fold: number): number[] => {
      const ofCell = createSums(actionOfCell.length);
      const ofAction = createSums(actions.size);
      const all = createSums(1);
      for (const [index, reward] of column.entries()) {
        if (folds[index] !== fold || Number.isNaN(reward)) continue;
        const cell = servedCells[index] ?? 0;
        ofCell.add(cell, reward);
        ofAction.add(actionOfCell[cell] ?? 0, reward);
        all.add(0, reward);
      }
      const mean = all.shrunk(0, 0, 0);
      const byAction = Array.from({ length: actions.size }, (_, action) => ofAction.shrunk(action, mean, shrinkage));
      return actionOfCell.map((action, cell) => ofCell.shrunk(cell, byAction[action] ?? mean, shrinkage));
    };
    return [fit(0), fit(1)];
  }

  function estimate(measure: number): MeasureEstimate | null {
    const column = rewards[measure];
    const range = ranges[measure];
    if (column === undefined || range === undefined) throw new RangeError(`there is no measure ${measure}`);
    const model = directModel(column);
    const expected = (fold: number, cell: number): number => model[1 - fold]?.[cell] ?? 0;

    /** What a decision adds to the doubly robust estimate. */
    function termOf(index: number, reward: number): number {
      const fold = folds[index] ?? 0;
      const served = expected(fold, servedCells[index] ?? 0);
      let term = (weights[index] ?? 0) * (reward - served);
      for (let choice = choiceEnds[index - 1] ?? 0; choice < (choiceEnds[index] ?? 0); choice += 1) {
        term += (choiceProbabilities[choice] ?? 0) * expected(fold, choiceCells[choice] ?? 0);
      }
      return term;
    }

    const terms = column.map((reward, index) => (Number.isNaN(reward) ? Number.NaN : termOf(index, reward)));
    let count = 0;
    let weightSum = 0;
    let weightSquares = 0;
    let rewardSum = 0;
    let weightedSum = 0;
    let termSum = 0;
    let isSamePolicy = true;
    for (const [index, reward] of column.entries()) {
      if (Number.isNaN(reward)) continue;
      const weight = weights[index] ?? 0;
      count += 1;
      weightSum += weight;
      weightSquares += weight ** 2;
      rewardSum += reward;
      weightedSum += weight * reward;
      termSum += terms[index] ?? 0;
      if (Math.abs(weight - 1) > tolerance) isSamePolicy = false;
    }
    if (count < 2) return null;

    const loggedValue = rewardSum / count;
    const snipsValue = weightedSum / weightSum;
    const robustValue = termSum / count;
    const squares = { logged: 0, snips: 0, snipsDifference: 0, robust: 0, robustDifference: 0 };
    for (const [index, reward] of column.entries()) {
      if (Number.isNaN(reward)) continue;
      const logged = reward - loggedValue;
      const snips = (((weights[index] ?? 0) * count) / weightSum) * (reward - snipsValue);
      const robust = (terms[index] ?? 0) - robustValue;
      squares.logged += logged ** 2;
      squares.snips += snips ** 2;
      squares.snipsDifference += (snips - logged) ** 2;
      squares.robust += robust ** 2;
      squares.robustDifference += (robust - logged) ** 2;
    }
    const effectiveCount = weightSquares === 0 ? 0 : weightSum ** 2 / weightSquares;
    // Rewards that never vary must not show a difference that is an error of rounding.
    const rounding = Math.abs(loggedValue) * 1e-9;
    const leastWidth = (tries: number): number => Math.max(rounding, range.span * Math.min(1, ruleOfThree / tries));
    const compare = (value: number, own: number, paired: number): NewPolicyEstimate => ({
      ...estimateOf(value, own, count, leastWidth(effectiveCount), range),
      difference: estimateOf(
        value - loggedValue,
        paired,
        count,
        isSamePolicy ? rounding : leastWidth(effectiveCount),
        unbounded,
      ),
    });
    return {
      count,
      effectiveCount,
      logged: estimateOf(loggedValue, squares.logged, count, leastWidth(count), range),
      snips: weightSum === 0 ? null : compare(snipsValue, squares.snips, squares.snipsDifference),
      doublyRobust: compare(robustValue, squares.robust, squares.robustDifference),
    };
  }

  return { add, overlap, estimate };
}

const unbounded: MeasureRange = { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY, span: 0 };

/** From the sum of the squared deviations of what `count` decisions add to the value. */
function estimateOf(
  value: number,
  squares: number,
  count: number,
  leastWidth: number,
  { low, high }: MeasureRange,
): Estimate {
  const halfWidth = Math.max(normalP975 * Math.sqrt(squares / (count * (count - 1))), leastWidth);
  const within = (bound: number): number => Math.min(high, Math.max(low, bound));
  return { value: within(value), interval: [within(value - halfWidth), within(value + halfWidth)] };
}

function check({ propensity, choices, rewards }: BanditFeedback, measures: number): void {
  if (!(propensity > 0 && propensity <= 1)) throw new RangeError(`a propensity must be in (0, 1], not ${propensity}`);
  const wrong = choices.find(({ probability }) => !(probability > 0 && probability <= 1 + tolerance));
  if (wrong !== undefined) throw new RangeError(`a probability must be in (0, 1], not ${wrong.probability}`);
  const total = sumOf(choices.map(({ probability }) => probability));
  if (Math.abs(total - 1) > tolerance) throw new RangeError(`the probabilities must sum to 1, not to ${total}`);
  if (rewards.length !== measures) throw new RangeError(`there must be ${measures} rewards, not ${rewards.length}`);
  const bad = rewards.find((reward) => reward !== null && !Number.isFinite(reward));
  if (bad !== undefined) throw new RangeError(`a reward must be finite, not ${bad}`);
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

interface Sums {
  add(key: number, value: number): void;
  /** The mean, to which `towards` counts as `strength` further values; `towards` where there is none. */
  shrunk(key: number, towards: number, strength: number): number;
}

function createSums(size: number): Sums {
  const counts = new Float64Array(size);
  const totals = new Float64Array(size);
  return {
    add(key, value) {
      counts[key] = (counts[key] ?? 0) + 1;
      totals[key] = (totals[key] ?? 0) + value;
    },
    shrunk(key, towards, strength) {
      const count = counts[key] ?? 0;
      return count === 0 ? towards : ((totals[key] ?? 0) + strength * towards) / (count + strength);
    },
  };
}
