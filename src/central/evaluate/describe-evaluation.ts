import type { CandidateEstimate, PolicyEvaluation, PolicyMeasure } from '../../contracts/policy-evaluation.ts';
import type { Estimate, MeasureEstimate, NewPolicyEstimate, OverlapSummary } from '../../statistics/off-policy.ts';

export interface EvaluationFindings {
  overlap: OverlapSummary;
  estimates: ReadonlyArray<{ measure: PolicyMeasure; estimate: MeasureEstimate }>;
  /** Shares of the decisions: with models that only the new policy allows; with longer lists than were logged. */
  unseenShare: number;
  longListShare: number;
  /** Goals of the policy by which a router moves its weights as it goes. */
  follows: readonly string[];
  /** Share of all decisions read in which the policy allows no model at all. */
  nothingAllowedShare: number;
}

/** Fewer effective decisions than this prove nothing. */
const leastEffective = 100;
/** Where the log knows nothing about more of the choices than this, no number is given. */
const mostUnknown = 0.05;
/** Standard errors that the mean weight may be off before the propensities are doubted. */
const doubt = 4;

/** Which estimates can be given, what is to be said against them, and what they mean. Pure. */
export function describeEvaluation(
  findings: EvaluationFindings,
): Pick<PolicyEvaluation, 'measures' | 'can_tell' | 'warnings' | 'summary'> {
  const { overlap, estimates } = findings;
  const obstacles = obstaclesIn(findings);
  const isKnown = ({ effectiveCount }: MeasureEstimate): boolean =>
    obstacles.length === 0 && effectiveCount >= leastEffective;
  const measures = estimates.map(({ measure, estimate }): PolicyEvaluation['measures'][number] => ({
    measure,
    decisions: estimate.count,
    effective_sample_size: estimate.effectiveCount,
    logged: toJson(estimate.logged),
    snips: isKnown(estimate) && estimate.snips !== null ? withDifference(estimate.snips) : null,
    doubly_robust: isKnown(estimate) ? withDifference(estimate.doublyRobust) : null,
  }));
  const thin = measures.filter((row) => row.doubly_robust === null).map((row) => words[row.measure].name);
  const canTell = measures.some((row) => row.doubly_robust !== null);
  const changed = `The candidate would have chosen another model than was served in ${percent(overlap.changedShare)} of ${overlap.count} decisions.`;
  return {
    measures,
    can_tell: canTell,
    warnings: [
      ...obstacles,
      ...(canTell && thin.length > 0 ? [`too few decisions say anything about ${thin.join(', ')}`] : []),
      ...cautionsAbout(findings, measures),
    ],
    summary: canTell
      ? [
          changed,
          ...measures.flatMap((row) =>
            row.doubly_robust === null ? [] : describe(row.measure, row.doubly_robust.difference),
          ),
        ]
      : [changed, 'The data cannot tell what it would have been worth.'],
  };
}

/** What forbids any number. */
function obstaclesIn({ overlap, unseenShare, nothingAllowedShare }: EvaluationFindings): string[] {
  const found: string[] = [];
  const { unsupportedShare, effectiveCount, sureShare } = overlap;
  if (sureShare === 1 && unsupportedShare > 0) {
    found.push(
      'nothing was tried out in this window (every propensity is 1), so that the log knows only the models that were chosen: switch routing.exploration on and wait',
    );
  } else if (unsupportedShare > mostUnknown) {
    found.push(
      `in ${percent(unsupportedShare)} of the decisions the candidate chooses a model that the logged policy would never have chosen there, and nothing is known of that`,
    );
  }
  if (unseenShare > mostUnknown) {
    found.push(
      `in ${percent(unseenShare)} of the decisions the candidate allows models that the logged policy did not, and nothing is known of those`,
    );
  }
  if (nothingAllowedShare > mostUnknown) {
    found.push(
      `in ${percent(nothingAllowedShare)} of the decisions the candidate allows no model, and would have refused the request`,
    );
  }
  if (effectiveCount < leastEffective) {
    found.push(
      `the effective sample size is ${effectiveCount.toFixed(0)}, and below ${leastEffective} nothing is sure: take a longer window, or a candidate nearer to the logged policy`,
    );
  }
  return found;
}

/** What is to be known of numbers that are given. */
function cautionsAbout(findings: EvaluationFindings, measures: PolicyEvaluation['measures']): string[] {
  const { overlap, unseenShare, longListShare, follows, nothingAllowedShare, estimates } = findings;
  const { unsupportedShare, sureShare, meanWeight } = overlap;
  const found: string[] = [];
  const small = (share: number): boolean => share > 0 && share <= mostUnknown;
  if (sureShare === 1 && unsupportedShare === 0)
    found.push('nothing was tried out in this window; the candidate chooses as the logged policy did');
  if (small(unsupportedShare) && sureShare < 1) {
    found.push(
      `${percent(unsupportedShare)} of the new choices have no support in the log, and are judged by other decisions`,
    );
  }
  if (small(unseenShare))
    found.push(`in ${percent(unseenShare)} of the decisions the candidate allows models that the log knows nothing of`);
  if (small(nothingAllowedShare))
    found.push(`${percent(nothingAllowedShare)} of the requests would have been refused, and are left out`);
  if (longListShare > 0) {
    found.push(
      `${percent(longListShare)} of the decisions had more candidates than the log lists; the best of the rest may be missing`,
    );
  }
  for (const goal of follows) found.push(`${goal} is not followed here: the weights stay as they are`);
  if (meanWeight !== null && isOff(meanWeight, 1 - unsupportedShare)) {
    found.push(
      `the mean weight is ${meanWeight.value.toFixed(3)} where ${(1 - unsupportedShare).toFixed(3)} is due: the logged propensities may be wrong`,
    );
  }
  for (const { measure, snips, doubly_robust: robust } of measures) {
    if (
      snips !== null &&
      robust !== null &&
      (snips.interval[0] > robust.interval[1] || robust.interval[0] > snips.interval[1])
    ) {
      found.push(`the two estimates of ${words[measure].name} contradict each other; trust neither`);
    }
  }
  const [first] = estimates;
  for (const { measure, estimate } of estimates) {
    if (first !== undefined && estimate.count < first.estimate.count) {
      found.push(
        `${words[measure].name} is not known of ${first.estimate.count - estimate.count} decisions, which it leaves out`,
      );
    }
  }
  return found;
}

function isOff({ value, interval: [low, high] }: Estimate, due: number): boolean {
  const standardError = (high - low) / 2 / 1.96;
  return Math.abs(value - due) > Math.max(doubt * standardError, 1e-6);
}

const percent = (share: number): string => `${(100 * share).toFixed(share > 0 && share < 0.0995 ? 1 : 0)}%`;
const money = (amount: number): string => `$${amount < 1e-9 ? 0 : Number(amount.toPrecision(3))}`;

const words: Readonly<
  Record<PolicyMeasure, { name: string; format(amount: number): string; more: string; less: string }>
> = {
  success: {
    name: 'the success rate',
    format: (amount) => `${(100 * amount).toFixed(1)} points`,
    more: 'higher',
    less: 'lower',
  },
  cost_usd: { name: 'the cost of a request', format: money, more: 'higher', less: 'lower' },
  response_time_ms: {
    name: 'the response time',
    format: (amount) => `${amount.toFixed(0)} ms`,
    more: 'longer',
    less: 'shorter',
  },
  worth: { name: 'the worth', format: (amount) => amount.toFixed(4), more: 'higher', less: 'lower' },
};

function describe(measure: PolicyMeasure, { value, interval: [low, high] }: Estimate): string {
  const { name, format, more, less } = words[measure];
  const sentence = name.charAt(0).toUpperCase() + name.slice(1);
  if (low > 0) return `${sentence} would have been ${more} by ${format(value)} (${format(low)} to ${format(high)}).`;
  if (high < 0)
    return `${sentence} would have been ${less} by ${format(-value)} (${format(-high)} to ${format(-low)}).`;
  if ([-low, high].every((bound) => format(bound) === format(0))) return `${sentence} would have been the same.`;
  return `Of ${name} the data shows no difference: between ${format(-low)} ${less} and ${format(high)} ${more}.`;
}

function toJson({ value, interval }: Estimate): Estimate {
  return { value, interval };
}

function withDifference({ difference, ...estimate }: NewPolicyEstimate): CandidateEstimate {
  return { ...toJson(estimate), difference: toJson(difference) };
}
