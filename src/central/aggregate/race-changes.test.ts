import { describe, expect, it } from 'vitest';
import { aDecisionEvent } from '../../../test/support/decision-event.ts';
import type { RoutingDecision } from '../../contracts/event.ts';
import type { RaceVerdict } from '../../contracts/race.ts';
import type { DecisionEvent } from '../consume/parse-message.ts';
import { createRaceChanges, type RaceChanges } from './race-changes.ts';

const raceId = '00000000-0000-7000-8000-00000000000A';

const laneEvent = (decision: Partial<RoutingDecision>, verdict?: RaceVerdict): DecisionEvent =>
  aDecisionEvent({
    origin: 'race',
    race: { race_id: raceId, strategy: 'consensus', lane: 1, lanes: 3, caller_id: 'key-1', verdict },
    ...decision,
  });

const verdict: RaceVerdict = {
  status: 'won',
  finished_first: true,
  confidence: 0.75,
  reason: 'agreed',
  latency_ms: 900,
  race_outcome: 'decided',
  race_reason: '2 of 3 valid answers agree',
  race_ms: 950,
  agreement: 0.5,
  margin: 0.25,
};

/** The lane after steps that are taken in the order given. */
function laneAfter(steps: ReadonlyArray<(changes: RaceChanges) => void>) {
  const changes = createRaceChanges();
  for (const step of steps) step(changes);
  return changes.changes();
}

const open = (changes: RaceChanges): void => changes.open(laneEvent({ query_type: 'research' }));
const failure = (changes: RaceChanges): void =>
  changes.countAttempt(
    laneEvent({
      outcome: 'failure',
      attempt: 0,
      error_code: 'server',
      http_status: 503,
      response_time_ms: 100,
      input_tokens: 10,
    }),
  );
const success = (changes: RaceChanges): void =>
  changes.countAttempt(
    laneEvent({
      outcome: 'success',
      attempt: 1,
      selected_model: 'stand-in',
      selected_provider: 'other',
      response_time_ms: 700,
      time_to_first_token_ms: 200,
      cost_usd: 0.5,
      input_tokens: 20,
      output_tokens: 5,
    }),
  );
const decide = (changes: RaceChanges): void =>
  changes.decide(laneEvent({ outcome: 'success', feedback_score: 0.9 }, verdict));

const whole = {
  call_id: raceId.toLowerCase(),
  lane: 1,
  lanes: 3,
  caller_id: 'key-1',
  task_type: 'research',
  strategy: 'consensus',
  decision_id: '00000000-0000-7000-8000-000000000001',
  instance_id: 'router-1',
  complexity: 'medium',
  estimated_cost_usd: null,
  candidate_attempt: 0,
  candidate_model: 'swift',
  candidate_provider: 'acme',
  attempts: 2,
  cost_usd: 0.5,
  input_tokens: 30,
  output_tokens: 5,
  last_attempt: 1,
  time_to_first_token_ms: 200,
  latency_ms: 900,
  failed_attempt: 0,
  error_message: 'server 503',
  status: 'won',
  finished_first: true,
  selected: true,
  confidence: 0.75,
  reason: 'agreed',
  race_outcome: 'decided',
  race_reason: '2 of 3 valid answers agree',
  race_ms: 950,
  agreement: 0.5,
  margin: 0.25,
  label: 0.9,
};

describe('what events say of a lane', () => {
  it('comes together as one change, in whatever order they come', () => {
    expect(laneAfter([open, failure, success, decide])).toEqual([whole]);
    expect(laneAfter([decide, success, failure, open])).toEqual([whole]);
    expect(laneAfter([success, decide, open, failure])).toEqual([whole]);
  });

  it('is how the newest attempt went, as long as there is no verdict', () => {
    expect(laneAfter([success, failure])).toMatchObject([
      { status: 'running', latency_ms: 700, cost_usd: 0.5, race_outcome: null, label: null },
    ]);
  });

  it('leaves unknown what nobody has told', () => {
    expect(laneAfter([failure])).toMatchObject([
      { attempts: 1, cost_usd: null, input_tokens: 10, output_tokens: null, time_to_first_token_ms: null },
    ]);
    const timeout = (changes: RaceChanges): void => changes.countAttempt(laneEvent({ outcome: 'timeout', attempt: 2 }));
    expect(laneAfter([timeout, failure])).toMatchObject([{ error_message: 'timeout', failed_attempt: 2 }]);
    const cancelled = (changes: RaceChanges): void =>
      changes.countAttempt(laneEvent({ outcome: 'cancelled', error_code: 'decided' }));
    expect(laneAfter([cancelled])).toMatchObject([{ attempts: 1, error_message: null }]);
  });

  it('is what the first verdict says', () => {
    const other = (changes: RaceChanges): void =>
      changes.decide(laneEvent({ outcome: 'success' }, { ...verdict, status: 'lost', latency_ms: 1 }));
    expect(laneAfter([decide, other])).toMatchObject([{ status: 'won', latency_ms: 900, label: 0.9 }]);
    const neverRan = (changes: RaceChanges): void =>
      changes.decide(laneEvent({ outcome: 'cancelled' }, { ...verdict, status: 'cancelled', latency_ms: null }));
    expect(laneAfter([failure, neverRan])).toMatchObject([{ status: 'cancelled', latency_ms: null, selected: false }]);
  });

  it('is of that lane alone, and of no event that is no lane’s', () => {
    const changes = createRaceChanges();
    changes.open(laneEvent({}));
    changes.open(laneEvent({ race: { race_id: raceId, strategy: 'first', lane: 2, lanes: 3, caller_id: 'none' } }));
    changes.open(laneEvent({ race: undefined }));
    changes.countAttempt(laneEvent({ outcome: 'success', race: undefined }));
    expect(changes.changes().map(({ lane, attempts }) => [lane, attempts])).toEqual([
      [1, 0],
      [2, 0],
    ]);
  });
});
