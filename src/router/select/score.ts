import type { Candidate } from '../../contracts/decision.ts';
import { anyOtherModel } from '../../prediction/shifts.ts';
import { highestScore, ratePerPoint, successRateOf, withinScale } from '../../statistics/score-scale.ts';
import type { ComplexityScore, RoutableModel } from './routable-model.ts';
import type { Policy, SelectionRequest } from './policy.ts';
import type { Weighing } from './trade-off.ts';

export interface ScoredModel {
  entry: RoutableModel;
  /** What the catalogue or the newest score update says of it, and where from. */
  known: ComplexityScore;
  /** The score that is believed of it for the request, in [0, 5]. */
  believed: number;
  /** By how much its chance to answer the prompt well differs from its mean. */
  promptShift: number;
  /** Of the request; null where the price is unknown. */
  costUsd: number | null;
  /** Null where it was never measured. */
  expectedTtftMs: number | null;
  /** Sum of the terms below. */
  worth: number;
  quality: number;
  preference: number;
  cost: number;
  latency: number;
  affinity: number;
  /** What is believed of it for the request, in [0.5, 0.99]. */
  successRate: number;
  /** What one point of score adds to the total. */
  worthPerPoint: number;
  /** What query type and prompt add to the score. */
  scoreOffset: number;
}

/** Grows from 0 to 1 and reaches one half at `reference`, so that no cost or delay however great outweighs all else. */
const saturate = (value: number, reference: number): number => (value === 0 ? 0 : value / (value + reference));

/**
 * The worth of a model for a request, as a sum of terms that are shown to the user:
 *
 *     quality    = w_q · believed score / 5, with what query type and prompt add
 *     preference = w_p · (1 − rank / length) for models of the query type's chain
 *     cost       = −w_c · cost / (cost + reference), all of w_c where the price is unknown
 *     latency    = −w_l · ttft / (ttft + reference)
 *     affinity   = w_a for the model that the conversation is with
 *
 * Weights and cost reference are those of `trade-off.ts`. `costUsd` is that of the request, null where the price is
 * unknown; `assumedTtftMs` stands in for a time that was never measured. Pure.
 */
export function scoreModel(
  entry: RoutableModel,
  request: SelectionRequest,
  policy: Policy,
  { weights, costReferenceUsd }: Weighing,
  costUsd: number | null,
  expectedTtftMs: number | null,
  assumedTtftMs: number,
): ScoredModel {
  const known = entry.scores[request.complexity];
  const promptShift = shiftFor(entry, request);
  const scoreOffset = offsetFor(entry, request, promptShift);
  const believed = round(withinScale(known.believed + scoreOffset));

  const worthPerPoint = weights.quality / highestScore;
  const quality = worthPerPoint * believed;
  const preference = weights.preference * preferenceOf(entry, policy.preferences[request.queryType]);
  const cost = -weights.cost * (costUsd === null ? 1 : saturate(costUsd, costReferenceUsd));
  const latency = -weights.latency * saturate(expectedTtftMs ?? assumedTtftMs, policy.latencyReferenceMs);
  const affinity = request.conversation?.modelKey === entry.key ? weights.affinity : 0;
  return {
    entry,
    known,
    believed,
    promptShift,
    costUsd,
    expectedTtftMs,
    worth: quality + preference + cost + latency + affinity,
    quality,
    preference,
    cost,
    latency,
    affinity,
    successRate: successRateOf(believed),
    worthPerPoint,
    scoreOffset,
  };
}

/** A scored model as it is shown to the user, its numbers rounded. Most models are ranked without ever being shown. */
export function candidateOf(scored: ScoredModel): Candidate {
  const { entry, known, promptShift, expectedTtftMs } = scored;
  return {
    model: entry.model.model_id,
    provider: entry.model.provider,
    complexity_score: known.score,
    believed_score: scored.believed,
    ...(promptShift === 0 ? {} : { prompt_shift: round(promptShift) }),
    score_source: known.source,
    estimated_cost_usd: scored.costUsd,
    expected_ttft_ms: expectedTtftMs === null ? null : Math.round(expectedTtftMs),
    terms: {
      quality: round(scored.quality),
      preference: round(scored.preference),
      cost: round(scored.cost),
      latency: round(scored.latency),
      affinity: round(scored.affinity),
      total: round(scored.worth),
    },
  };
}

/** What a belief about a model is asked for. */
type AskedFor = Pick<SelectionRequest, 'complexity' | 'queryType' | 'successShifts'>;

/** The score that a model is believed to have for the request, in [0, 5]. */
export function believedScore(entry: RoutableModel, request: AskedFor): number {
  return withinScale(entry.scores[request.complexity].believed + offsetFor(entry, request, shiftFor(entry, request)));
}

function offsetFor(entry: RoutableModel, { complexity, queryType }: AskedFor, promptShift: number): number {
  return (entry.scores[complexity].queryTypeOffsets[queryType] ?? 0) + promptShift / ratePerPoint;
}

function shiftFor({ model }: RoutableModel, { successShifts }: AskedFor): number {
  return successShifts?.get(model.model_id) ?? successShifts?.get(anyOtherModel) ?? 0;
}

function preferenceOf(entry: RoutableModel, chain: readonly string[]): number {
  if (chain.length === 0) return 0;
  const rank = chain.findIndex((name) => name === entry.model.model_id || name === entry.key);
  return rank === -1 ? 0 : 1 - rank / chain.length;
}

// `+ 0` turns −0 into 0.
const round = (value: number): number => Math.round(value * 10_000) / 10_000 + 0;
