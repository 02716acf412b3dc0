import { hedgeLostCode, type RecordOutcome, type TerminalOutcome } from '../../contracts/event.ts';
import type { WrittenRecord } from '../../platform/store/routing-records.ts';
import type { DecisionEvent } from '../consume/parse-message.ts';

/** Errors that say nothing of the model: the request was wrong, or the key, or there were too many requests. */
const notTheModels: ReadonlySet<string> = new Set(['client', 'unsupported', 'auth', 'not_found', 'rate_limit']);

/** The record that an event describes. */
export function recordOf(event: DecisionEvent): WrittenRecord {
  const { decision } = event;
  const { rollout } = decision;
  return {
    timestamp: event.timestamp,
    instance_id: event.instanceId,
    complexity: decision.complexity,
    model: decision.selected_model,
    provider: decision.selected_provider,
    score: decision.complexity_score,
    outcome: decision.outcome,
    response_time_ms: rounded(decision.response_time_ms),
    capabilities_required: decision.capabilities_required ?? null,
    preference: decision.prefer ?? null,
    decision_id: event.decisionId,
    attempt: event.attempt ?? 0,
    // Whichever attempt of a copy it is: by this alone others know that nobody asked for it.
    origin: rollout?.arm === 'shadow' ? 'shadow' : (decision.origin ?? 'auto'),
    propensity: decision.propensity ?? null,
    expects_outcome: decision.expects_outcome ?? true,
    query_type: decision.query_type ?? null,
    requested_model: decision.user_model_request ?? null,
    response_model: decision.response_model ?? null,
    streamed: decision.streamed ?? null,
    input_tokens: decision.input_tokens ?? null,
    output_tokens: decision.output_tokens ?? null,
    cached_input_tokens: decision.cached_input_tokens ?? null,
    cache_write_tokens: decision.cache_write_tokens ?? null,
    reasoning_tokens: decision.reasoning_tokens ?? null,
    usage_estimated: decision.usage_estimated ?? null,
    cost_usd: decision.cost_usd ?? null,
    time_to_first_token_ms: rounded(decision.time_to_first_token_ms),
    http_status: decision.http_status ?? null,
    error_code: decision.error_code ?? null,
    policy_version: decision.policy_version ?? null,
    feedback_score: null,
    rollout_id: rollout?.rollout_id ?? null,
    rollout_arm: rollout?.arm ?? null,
    rollout_share: rollout?.share ?? null,
    rollout_unit: rollout?.unit ?? null,
    predictor_version: decision.predictor?.version ?? null,
    predictor_arm: decision.predictor?.arm ?? null,
    features_key: decision.features_key ?? null,
    features: decision.features ?? null,
    explanation: null,
    explained_by: event.explainedBy,
  };
}

function rounded(value: number | null | undefined): number | null {
  return value === null || value === undefined ? null : Math.round(value);
}

/** Whether the outcome stays; `unknown` does not, for the true one may still come. */
export function isTerminal(outcome: RecordOutcome): outcome is TerminalOutcome {
  return outcome !== 'routed' && outcome !== 'unknown';
}

/**
 * A record with what a later event of the same attempt adds: an outcome closes an open record and what it measured goes
 * over what was there; anything else only fills what is missing. Who chose what for whom stays as it was first said.
 */
export function combineRecords(current: WrittenRecord, later: WrittenRecord): WrittenRecord {
  const closes = !isTerminal(current.outcome) && isTerminal(later.outcome);
  const [first, second] = closes ? [later, current] : [current, later];
  const labelled = current.rollout_id === null ? later : current;
  return {
    ...current,
    outcome: first.outcome,
    response_time_ms: first.response_time_ms ?? second.response_time_ms,
    capabilities_required: first.capabilities_required ?? second.capabilities_required,
    preference: first.preference ?? second.preference,
    propensity: first.propensity ?? second.propensity,
    query_type: first.query_type ?? second.query_type,
    requested_model: first.requested_model ?? second.requested_model,
    response_model: first.response_model ?? second.response_model,
    streamed: first.streamed ?? second.streamed,
    input_tokens: first.input_tokens ?? second.input_tokens,
    output_tokens: first.output_tokens ?? second.output_tokens,
    cached_input_tokens: first.cached_input_tokens ?? second.cached_input_tokens,
    cache_write_tokens: first.cache_write_tokens ?? second.cache_write_tokens,
    reasoning_tokens: first.reasoning_tokens ?? second.reasoning_tokens,
    usage_estimated: first.usage_estimated ?? second.usage_estimated,
    cost_usd: first.cost_usd ?? second.cost_usd,
    time_to_first_token_ms: first.time_to_first_token_ms ?? second.time_to_first_token_ms,
    http_status: first.http_status ?? second.http_status,
    error_code: first.error_code ?? second.error_code,
    policy_version: first.policy_version ?? second.policy_version,
    rollout_id: labelled.rollout_id,
    rollout_arm: labelled.rollout_arm,
    rollout_share: labelled.rollout_share,
    rollout_unit: labelled.rollout_unit,
    predictor_version: first.predictor_version ?? second.predictor_version,
    predictor_arm: first.predictor_arm ?? second.predictor_arm,
    features_key: first.features_key ?? second.features_key,
    features: first.features ?? second.features,
    explained_by: first.explained_by ?? second.explained_by ?? null,
  };
}

/**
 * Whether it is an attempt of a race that nobody has judged. Nothing may be learned of how it ended: lanes are stopped as
 * soon as the race is decided, and of those that are, more would have answered well than of those that failed in time. What
 * is left to see is a choice of the outcomes (censoring), in which slow models look worse than they are.
 */
export function isUnjudgedLane({ origin, feedback_score }: Pick<WrittenRecord, 'origin' | 'feedback_score'>): boolean {
  return origin === 'race' && feedback_score === null;
}

/**
 * Whether it is an attempt of a copy of a request, for a rollout to compare. Nobody has asked for it and nobody sees its
 * answer: it counts in nothing that is told or learned of models and their users.
 */
export function isCopy({ origin }: Pick<WrittenRecord, 'origin'>): boolean {
  return origin === 'shadow';
}

/** Error code of a first attempt that was not made because its model had failed too often, or refused too much. */
const sparedCode = 'spared';
/** Error code of a first attempt that was not made because its client had left. */
const leftBeforeCode = 'client_left';

/** Whether the model was left alone because of what it had done before. */
export function isSpared({ outcome, error_code }: Pick<WrittenRecord, 'outcome' | 'error_code'>): boolean {
  return outcome === 'cancelled' && error_code === sparedCode;
}

/** Whether the client left, while the call was under way or before. */
export function isLeft({ outcome, error_code }: Pick<WrittenRecord, 'outcome' | 'error_code'>): boolean {
  return outcome === 'cancelled' && (error_code === null || error_code === leftBeforeCode);
}

/** Whether the model was not called at all. */
export function isUncalled({ outcome, error_code }: Pick<WrittenRecord, 'outcome' | 'error_code'>): boolean {
  return outcome === 'cancelled' && error_code !== null && error_code !== hedgeLostCode;
}

/** Whether a limit of the caller's key did not suffice: nobody has failed. */
export function isRefused(record: Pick<WrittenRecord, 'outcome' | 'error_code'>): boolean {
  return isUncalled(record) && (record.error_code === 'budget_exceeded' || record.error_code === 'rate_limited');
}

/** Whether it failed, and by the fault of the model. */
export function isModelsFault({ outcome, error_code }: Pick<WrittenRecord, 'outcome' | 'error_code'>): boolean {
  return (outcome === 'failure' || outcome === 'timeout') && !(error_code !== null && notTheModels.has(error_code));
}

/** Whether the answer counts as good: as the last feedback says, else as the technical outcome does. */
export function isGood(record: Pick<WrittenRecord, 'outcome' | 'feedback_score'>): boolean {
  return record.feedback_score === null ? record.outcome === 'success' : record.feedback_score >= 0.5;
}
