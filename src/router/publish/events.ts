import type { RoutingDecision, RoutingEvent, TerminalOutcome } from '../../contracts/event.ts';
import type { RaceLane } from '../../contracts/race.ts';
import type { RolloutLabel } from '../../contracts/rollout.ts';
import type { FeatureScrambler } from '../../platform/security/feature-scrambler.ts';
import type { TokenUsage } from '../predict/cost.ts';
import type { Decision, DecisionStep } from '../decide.ts';

/** How one attempt ended. Times in milliseconds. */
export interface AttemptOutcome {
  index: number;
  /** Sent because the first call's first token was late. */
  isHedge: boolean;
  step: Omit<DecisionStep, 'provider'>;
  outcome: TerminalOutcome;
  responseTimeMs: number;
  timeToFirstTokenMs: number | null;
  streamed: boolean;
  httpStatus: number | null;
  errorCode: string | null;
  usage: TokenUsage | null;
  usageEstimated: boolean;
  costUsd: number | null;
  responseModel: string | null;
}

type EventBase = Pick<RoutingEvent, 'timestamp' | 'instance_id' | 'event_id'>;

/** The seed's fields and those that are the same for every event of a decision. */
function decisionFields(decision: Decision, step: AttemptOutcome['step']): Omit<RoutingDecision, 'outcome'> {
  return {
    complexity: decision.classification.complexity,
    selected_model: step.modelId,
    selected_provider: step.providerName,
    complexity_score: step.complexityScore,
    capabilities_required: [...decision.requiredCapabilities],
    prefer: decision.prefer,
    user_model_request: decision.requestedModel,
    decision_id: decision.decisionId,
    query_type: decision.classification.query_type,
    policy_version: decision.policyVersion,
    ...(decision.predictor === null ? {} : { predictor: decision.predictor }),
    ...(decision.race === null ? {} : { race: decision.race }),
    ...(decision.rollout === null ? {} : { rollout: decision.rollout }),
  };
}

/** The event of the choice itself. */
export function routedEvent(
  decision: Decision,
  base: Omit<EventBase, 'timestamp'>,
  scrambler: FeatureScrambler | null,
): RoutingEvent {
  const [step] = decision.chain;
  return {
    ...base,
    timestamp: new Date(decision.timestampMs).toISOString(),
    routing_decision: {
      ...decisionFields(decision, step),
      outcome: 'routed',
      response_time_ms: null,
      attempt: 0,
      origin: decision.origin,
      propensity: decision.propensity,
      ...(decision.expectsOutcome ? {} : { expects_outcome: false }),
      explanation: decision.explanation,
      ...(scrambler === null ? {} : { features: scrambler.scramble(decision.features), features_key: scrambler.key }),
    },
  };
}

/** The event of an attempt's end; every attempt after the first is a fallback. */
export function attemptEvent(
  decision: Decision,
  attempt: AttemptOutcome,
  base: Omit<EventBase, 'timestamp'>,
): RoutingEvent {
  return {
    ...base,
    timestamp: new Date(decision.timestampMs).toISOString(),
    routing_decision: {
      ...decisionFields(decision, attempt.step),
      outcome: attempt.outcome,
      response_time_ms: Math.round(attempt.responseTimeMs),
      attempt: attempt.index,
      origin: originOf(decision, attempt),
      propensity: attempt.index === 0 ? decision.propensity : null,
      streamed: attempt.streamed,
      response_model: attempt.responseModel === null ? null : storableName(attempt.responseModel),
      input_tokens: attempt.usage?.inputTokens ?? null,
      output_tokens: attempt.usage?.outputTokens ?? null,
      cached_input_tokens: attempt.usage?.cachedInputTokens ?? null,
      cache_write_tokens: attempt.usage?.cacheWriteTokens ?? null,
      reasoning_tokens: attempt.usage?.reasoningTokens ?? null,
      usage_estimated: attempt.usageEstimated,
      cost_usd: attempt.costUsd,
      ...explorationCost(decision, attempt),
      time_to_first_token_ms: attempt.timeToFirstTokenMs === null ? null : Math.round(attempt.timeToFirstTokenMs),
      http_status: attempt.httpStatus,
      error_code: attempt.errorCode,
    },
  };
}

/** What the call cost more than the best model's would have, by the relation of the two expected costs. */
function explorationCost(
  { explorationShare: share }: Decision,
  { index, costUsd }: AttemptOutcome,
): Pick<RoutingDecision, 'exploration_cost_usd'> {
  return index > 0 || share === null || costUsd === null ? {} : { exploration_cost_usd: share * costUsd };
}

function originOf({ origin }: Decision, { isHedge, index }: AttemptOutcome): RoutingDecision['origin'] {
  if (origin === 'race' || origin === 'shadow') return origin;
  if (isHedge) return 'hedge';
  return index === 0 ? origin : 'fallback';
}

/** The last event of a lane: what its race came to. `label`: the quality of its answer where the race has judged it. */
export function verdictEvent(
  decision: Decision,
  race: RaceLane,
  outcome: TerminalOutcome,
  label: number | null,
  base: Omit<EventBase, 'timestamp'>,
): RoutingEvent {
  const quality = label === null ? {} : { feedback_score: label };
  return lastWord(decision, base, { outcome, origin: 'race', race, ...quality });
}

/** The last event of a copy: what it showed beside the answer that its user got. */
export function pairEvent(
  decision: Decision,
  label: RolloutLabel,
  outcome: TerminalOutcome,
  base: Omit<EventBase, 'timestamp'>,
): RoutingEvent {
  return lastWord(decision, base, { outcome, origin: 'shadow', rollout: label });
}

/** An event that ends no attempt, and says what became of the whole. */
function lastWord(
  decision: Decision,
  base: Omit<EventBase, 'timestamp'>,
  said: Pick<RoutingDecision, 'outcome' | 'origin' | 'race' | 'rollout' | 'feedback_score'>,
): RoutingEvent {
  return {
    ...base,
    timestamp: new Date(decision.timestampMs).toISOString(),
    routing_decision: { ...decisionFields(decision, decision.chain[0]), ...said },
  };
}

/** Closes the record of the chosen model, which was opened by the decision. */
export function uncalledAttempt({ chain: [step] }: Decision, reason: string): AttemptOutcome {
  return {
    index: 0,
    isHedge: false,
    step,
    outcome: 'cancelled',
    responseTimeMs: 0,
    timeToFirstTokenMs: null,
    streamed: false,
    httpStatus: null,
    errorCode: reason,
    usage: null,
    usageEstimated: false,
    costUsd: null,
    responseModel: null,
  };
}

/**
 * A name that a provider sent, as PostgreSQL and the event's schema can take it: whole characters, no NUL, of bounded
 * length.
 */
function storableName(name: string): string {
  return Buffer.from(name.slice(0, 200)).toString().replaceAll('\0', '');
}
