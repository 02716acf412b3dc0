import { isGood } from '../aggregate/record.ts';
import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import {
  type Candidate,
  candidateSchema,
  exclusionSchema,
  preferSchema,
  tradeOffSchema,
} from '../../contracts/decision.ts';
import {
  type LeftOutReason,
  leftOutReasonSchema,
  type PolicyEvaluation,
  type PolicyMeasure,
} from '../../contracts/policy-evaluation.ts';
import { queryTypeSchema } from '../../contracts/query-class.ts';
import { SignalboxError } from '../../platform/core/errors.ts';
import type { Executor } from '../../platform/postgres/pool.ts';
import {
  type DecisionCursor,
  listLoggedDecisions,
  type LoggedDecision,
} from '../../platform/store/logged-decisions.ts';
import { type BanditFeedback, createOffPolicyLog, type MeasureRange } from '../../statistics/off-policy.ts';
import { type CandidatePolicy, createCandidatePolicy, type RoutingRules, successesPerUsd } from './candidate-policy.ts';
import { describeEvaluation } from './describe-evaluation.ts';

export interface EvaluationRequest {
  rules: RoutingRules;
  /** ISO 8601; `until` null: up to now. */
  since: string;
  until: string | null;
  /** Newest decisions of the window that are read at the most. */
  limit: number;
}

export interface EvaluationProgress {
  /** Told after each page. */
  onRead(decisions: number): void;
  /** Ends it early. */
  signal: AbortSignal;
}

/** Decisions of one page: half a megabyte, read and judged in some 10 ms. */
const pageSize = 200;
/** Most candidates that the router lists; where there are so many, there may have been more. */
const listedLimit = 20;
/** Policies that are told of. */
const toldPolicies = 10;
const countedPolicies = 1000;

const positive: MeasureRange = { low: 0, high: Number.POSITIVE_INFINITY, span: 0 };
const ranges: Readonly<Record<PolicyMeasure, MeasureRange>> = {
  success: { low: 0, high: 1, span: 1 },
  cost_usd: positive,
  response_time_ms: positive,
  worth: { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY, span: 1 },
};

/**
 * What a policy would have been worth on the automatic decisions that were logged: each is decided again by it, and weighed
 * by how much more often it would have chosen the model that was served. What came of a decision is how its first attempt
 * ended; what a fallback did after it is not counted. Reads in pages, gives way to requests after each, and keeps numbers
 * only: for 200,000 decisions some 50 MB.
 *
 * @throws SignalboxError `not_found` where the window has no decision that can be judged. The reason of the signal.
 */
export async function evaluatePolicy(
  db: Executor,
  { rules, since, until, limit }: EvaluationRequest,
  { onRead, signal }: EvaluationProgress,
): Promise<PolicyEvaluation> {
  const lambda = successesPerUsd(rules);
  const measures: PolicyMeasure[] = [
    'success',
    'cost_usd',
    'response_time_ms',
    ...(lambda === null ? [] : (['worth'] as const)),
  ];
  const log = createOffPolicyLog(measures.map((measure) => ranges[measure]));
  const policy = createCandidatePolicy(rules);
  const leftOutCounts = new Map<LeftOutReason, number>();
  const policies = new Map<string | null, number>();
  const counts = { read: 0, unseen: 0, longLists: 0 };

  function judge(decision: LoggedDecision): void {
    const judged = feedbackOf(decision, policy);
    if (typeof judged === 'string') {
      leftOutCounts.set(judged, (leftOutCounts.get(judged) ?? 0) + 1);
      return;
    }
    log.add({ ...judged.feedback, rewards: measures.map((measure) => rewardOf(decision, measure, lambda)) });
    if (judged.hasUnseen) counts.unseen += 1;
    if (judged.hasLongList) counts.longLists += 1;
    const version = decision.policy_version;
    if (policies.has(version) || policies.size < countedPolicies)
      policies.set(version, (policies.get(version) ?? 0) + 1);
  }

  let cursor: DecisionCursor | null = null;
  do {
    signal.throwIfAborted();
    const size = Math.min(pageSize, limit - counts.read);
    const page: Awaited<ReturnType<typeof listLoggedDecisions>> = await listLoggedDecisions(
      db,
      { since, until },
      cursor,
      size,
    );
    page.decisions.forEach(judge);
    counts.read += page.decisions.length;
    cursor = page.next;
    onRead(counts.read);
  } while (cursor !== null && counts.read < limit);

  const leftOut = inOrder(leftOutCounts);
  const overlap = log.overlap();
  if (overlap.count === 0) throw nothingToJudge(since, counts.read, leftOut);
  const estimates = [];
  for (const [index, measure] of measures.entries()) {
    await setImmediate();
    signal.throwIfAborted();
    const estimate = log.estimate(index);
    if (estimate !== null) estimates.push({ measure, estimate });
  }
  const shareOf = (count: number): number => count / overlap.count;
  return {
    since,
    until,
    decisions: { read: counts.read, used: overlap.count, left_out: leftOut, limit_reached: cursor !== null },
    logged_policies: [...policies]
      .sort(([, a], [, b]) => b - a)
      .slice(0, toldPolicies)
      .map(([version, decisions]) => ({ policy_version: version, decisions })),
    effective_sample_size: overlap.effectiveCount,
    changed_share: overlap.changedShare,
    // Sums of probabilities may be a rounding error above 1.
    unsupported_share: Math.min(1, overlap.unsupportedShare),
    unseen_share: shareOf(counts.unseen),
    sure_share: overlap.sureShare,
    successes_per_usd: lambda,
    ...describeEvaluation({
      overlap,
      estimates,
      unseenShare: shareOf(counts.unseen),
      longListShare: shareOf(counts.longLists),
      follows: [
        ...(rules.target_cost_usd === undefined ? [] : ['target_cost_usd']),
        ...(rules.quality_floor === undefined ? [] : ['quality_floor']),
      ],
      nothingAllowedShare: (leftOut.nothing_allowed ?? 0) / counts.read,
    }),
  };
}

/** Whatever came first. */
function inOrder(counts: ReadonlyMap<LeftOutReason, number>): Partial<Record<LeftOutReason, number>> {
  return Object.fromEntries(
    leftOutReasonSchema.options.flatMap((reason) => {
      const count = counts.get(reason);
      return count === undefined ? [] : [[reason, count]];
    }),
  );
}

function nothingToJudge(since: string, read: number, leftOut: Partial<Record<LeftOutReason, number>>): SignalboxError {
  const reasons = Object.entries(leftOut).map(([reason, count]) => `${count} ${reason}`);
  return new SignalboxError(
    'not_found',
    read === 0
      ? `there are no automatic decisions since ${since}`
      : `none of the ${read} automatic decisions since ${since} can be judged: ${reasons.join(', ')}`,
    { param: 'since' },
  );
}

interface Judged {
  feedback: Omit<BanditFeedback, 'rewards'>;
  /** The policy allows models that the logged one did not: what they would have done is not known. */
  hasUnseen: boolean;
  /** There may be more candidates than were listed. */
  hasLongList: boolean;
}

const candidatesSchema = z.array(candidateSchema);
const exclusionsSchema = z.array(exclusionSchema);

/** The decision as the estimators take it, or why it cannot be judged. */
function feedbackOf(decision: LoggedDecision, policy: CandidatePolicy): Judged | LeftOutReason {
  const { outcome, propensity } = decision;
  if (outcome === 'cancelled') return 'cancelled';
  if (outcome === 'routed' || outcome === 'unknown') return 'no_outcome';
  if (propensity === null || propensity === 0) return 'no_propensity';
  const { data: candidates } = candidatesSchema.safeParse(decision.candidates);
  const served = candidates?.find((candidate) => keyOf(candidate) === keyOf(decision));
  if (candidates === undefined) return 'no_candidates';
  // An answer of another model than the chosen one says nothing about the choice; that of a rollout's candidate stands for
  // the share of such requests that it took.
  const isServed = served !== undefined && Math.abs((served.probability ?? propensity) - propensity) <= 1e-6;
  if (!isServed && decision.origin !== 'canary') return 'no_candidates';
  if (!isByTotal(candidates)) return 'provider_order';
  // One alone has a probability where a rollout took the rest of it.
  const mayExplore = candidates.filter(({ probability }) => probability !== undefined).length > 1;
  const choices = policy.choose({
    candidates,
    queryType: queryTypeSchema.safeParse(decision.query_type).data ?? null,
    prefer: preferSchema.safeParse(decision.preference).data ?? null,
    tradeOff: tradeOffSchema.safeParse(decision.trade_off).data ?? null,
    mayExplore,
  });
  if (choices.length === 0) return 'nothing_allowed';
  const excluded = exclusionsSchema.safeParse(decision.excluded_by_policy).data ?? [];
  return {
    feedback: {
      context: decision.complexity,
      action: keyOf(decision),
      propensity,
      choices: choices.map(({ candidate, probability }) => ({
        action: keyOf(candidate),
        probability,
        loggedProbability: candidate.probability ?? (candidate === served ? propensity : 0),
      })),
    },
    hasUnseen: excluded.some((exclusion) => policy.allows(exclusion)),
    hasLongList: candidates.length >= listedLimit,
  };
}

const keyOf = ({ model, provider }: { model: string; provider: string }): string => `${provider}/${model}`;

/** Candidates are listed best first, unless the request itself has put providers into an order. */
function isByTotal(candidates: readonly Candidate[]): boolean {
  return candidates.every((candidate, index) => {
    const before = candidates[index - 1];
    return before === undefined || before.terms.total >= candidate.terms.total;
  });
}

/** Null where it is not known. */
function rewardOf(decision: LoggedDecision, measure: PolicyMeasure, lambda: number | null): number | null {
  switch (measure) {
    case 'success':
      return Number(isGood(decision));
    case 'cost_usd':
      return costOf(decision);
    case 'response_time_ms':
      return decision.response_time_ms;
    case 'worth': {
      const cost = costOf(decision);
      return cost === null || lambda === null ? null : Number(isGood(decision)) - lambda * cost;
    }
  }
}

/** Null where the price is not known. An attempt that failed without telling of any usage has cost nothing. */
function costOf({ cost_usd: cost, outcome }: LoggedDecision): number | null {
  return cost ?? (outcome === 'success' ? null : 0);
}
