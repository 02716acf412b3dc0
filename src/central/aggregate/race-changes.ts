import type { RaceVerdict } from '../../contracts/race.ts';
import type { RaceLaneChange } from '../../platform/store/race-results.ts';
import type { DecisionEvent } from '../consume/parse-message.ts';

/** What a batch of events changes in the lanes of races. Of events that are no lane's, it takes nothing. */
export interface RaceChanges {
  /** The lane is known; any of its events says which it is. */
  open(event: DecisionEvent): void;
  /** An attempt has ended, for the first time. */
  countAttempt(event: DecisionEvent): void;
  /** The race is decided, and the lane has ended. The first verdict of a lane stays. */
  decide(event: DecisionEvent): void;
  /** One for each lane. */
  changes(): RaceLaneChange[];
}

export function createRaceChanges(): RaceChanges {
  const lanes = new Map<string, RaceLaneChange>();

  function laneOf(event: DecisionEvent): RaceLaneChange | undefined {
    const opened = openedLane(event);
    if (opened === undefined) return undefined;
    const key = `${opened.call_id} ${opened.lane}`;
    const known = lanes.get(key);
    if (known === undefined) {
      lanes.set(key, opened);
      return opened;
    }
    known.task_type ??= opened.task_type;
    known.estimated_cost_usd ??= opened.estimated_cost_usd;
    if (opened.candidate_attempt < known.candidate_attempt) {
      known.candidate_attempt = opened.candidate_attempt;
      known.candidate_model = opened.candidate_model;
      known.candidate_provider = opened.candidate_provider;
    }
    return known;
  }

  return {
    open(event) {
      laneOf(event);
    },
    countAttempt(event) {
      const lane = laneOf(event);
      if (lane === undefined) return;
      const { decision } = event;
      const attempt = event.attempt ?? 0;
      lane.attempts += 1;
      lane.cost_usd = sum(lane.cost_usd, decision.cost_usd);
      lane.input_tokens = sum(lane.input_tokens, decision.input_tokens);
      lane.output_tokens = sum(lane.output_tokens, decision.output_tokens);
      if (attempt > (lane.last_attempt ?? -1)) {
        lane.last_attempt = attempt;
        lane.time_to_first_token_ms = decision.time_to_first_token_ms ?? null;
        if (lane.race_outcome === null) lane.latency_ms = decision.response_time_ms ?? null;
      }
      const hasFailed = decision.outcome === 'failure' || decision.outcome === 'timeout';
      if (hasFailed && attempt > (lane.failed_attempt ?? -1)) {
        lane.failed_attempt = attempt;
        const error = decision.error_code ?? decision.outcome;
        const status = decision.http_status ?? null;
        lane.error_message = status === null ? error : `${error} ${status}`;
      }
    },
    decide(event) {
      const lane = laneOf(event);
      const verdict = event.decision.race?.verdict;
      if (lane === undefined || verdict === undefined || lane.race_outcome !== null) return;
      Object.assign(lane, fieldsOf(verdict), { label: event.decision.feedback_score ?? null });
    },
    changes: () => [...lanes.values()],
  };
}

/** The lane as it is before it has told anything but which it is; undefined for an event that is no lane's. */
function openedLane(event: DecisionEvent): RaceLaneChange | undefined {
  const { decision } = event;
  const { race } = decision;
  if (race === undefined) return undefined;
  return {
    // PostgreSQL writes them in lower case, and the two are compared.
    call_id: race.race_id.toLowerCase(),
    lane: race.lane,
    lanes: race.lanes,
    caller_id: race.caller_id,
    task_type: decision.query_type ?? null,
    strategy: race.strategy,
    decision_id: event.decisionId,
    instance_id: event.instanceId,
    complexity: decision.complexity,
    estimated_cost_usd: race.estimated_cost_usd ?? null,
    candidate_attempt: event.attempt ?? 0,
    candidate_model: decision.selected_model,
    candidate_provider: decision.selected_provider,
    attempts: 0,
    cost_usd: null,
    input_tokens: null,
    output_tokens: null,
    last_attempt: null,
    time_to_first_token_ms: null,
    latency_ms: null,
    failed_attempt: null,
    error_message: null,
    status: 'running',
    finished_first: false,
    selected: false,
    confidence: null,
    reason: null,
    race_outcome: null,
    race_reason: null,
    race_ms: null,
    agreement: null,
    margin: null,
    label: null,
  };
}

function fieldsOf(verdict: RaceVerdict) {
  return {
    status: verdict.status,
    finished_first: verdict.finished_first,
    selected: verdict.status === 'won',
    confidence: verdict.confidence ?? null,
    reason: verdict.reason ?? null,
    latency_ms: verdict.latency_ms ?? null,
    race_outcome: verdict.race_outcome,
    race_reason: verdict.race_reason,
    race_ms: verdict.race_ms,
    agreement: verdict.agreement ?? null,
    margin: verdict.margin ?? null,
  } satisfies Partial<RaceLaneChange>;
}

/** Null where neither is known. */
function sum(a: number | null, b: number | null | undefined): number | null {
  return a === null && (b === null || b === undefined) ? null : (a ?? 0) + (b ?? 0);
}
