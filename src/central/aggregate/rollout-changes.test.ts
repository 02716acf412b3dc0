import { describe, expect, it } from 'vitest';
import { aDecisionEvent } from '../../../test/support/decision-event.ts';
import type { RoutingDecision } from '../../contracts/event.ts';
import type { WrittenRecord } from '../../platform/store/routing-records.ts';
import type { NewObservation } from '../../platform/store/rollout-observations.ts';
import type { DecisionEvent } from '../consume/parse-message.ts';
import { combineRecords, recordOf } from './record.ts';
import { createRolloutChanges, type RolloutChanges } from './rollout-changes.ts';

const label = {
  rollout_id: '0198a000-0000-7000-8000-00000000000a',
  arm: 'canary',
  share: 0.2,
  unit: '0123456789abcdef',
} as const;

const event = (decision: Partial<RoutingDecision>, attempt = 0): DecisionEvent =>
  aDecisionEvent({ rollout: label, attempt, ...decision });

const record = (decision: Partial<RoutingDecision>, attempt = 0): WrittenRecord => recordOf(event(decision, attempt));

function observationsAfter(...steps: Array<(changes: RolloutChanges) => void>): NewObservation[] {
  const changes = createRolloutChanges();
  for (const step of steps) step(changes);
  return changes.observations();
}

type Told = Pick<NewObservation, 'kind' | 'bad' | 'latency_ms' | 'streamed' | 'cost_usd'>;
const nothing = { bad: null, latency_ms: null, streamed: null, cost_usd: null };
const unavailable: Told = { ...nothing, kind: 'unavailable' };
const bad = (costUsd: number | null = null): Told => ({ ...nothing, kind: 'outcome', bad: true, cost_usd: costUsd });
const good = (latencyMs: number | null, streamed: boolean | null): Told => ({
  ...nothing,
  kind: 'outcome',
  bad: false,
  latency_ms: latencyMs,
  streamed,
});

const routed = record({});
const unlabelled = record({ rollout: undefined });
const success = record({ outcome: 'success', response_time_ms: 900, cost_usd: 0.5 });

describe('an attempt', () => {
  it.each<[string, Partial<RoutingDecision>, Told | null]>([
    [
      'as a stream',
      { outcome: 'success', streamed: true, response_time_ms: 9, time_to_first_token_ms: 3 },
      good(3, true),
    ],
    [
      'with a first token at once',
      { outcome: 'success', response_time_ms: 9, time_to_first_token_ms: 0 },
      good(0, true),
    ],
    [
      'as a whole answer',
      { outcome: 'success', streamed: false, response_time_ms: 9, cost_usd: 2 },
      { ...good(9, false), cost_usd: 2 },
    ],
    ['as a stream of unknown speed', { outcome: 'success', streamed: true, response_time_ms: 9 }, good(null, null)],
    ['of unknown speed', { outcome: 'success' }, good(null, null)],
    ['that failed', { outcome: 'failure', error_code: 'server', response_time_ms: 9, cost_usd: 2 }, bad(2)],
    ['that failed without a word', { outcome: 'failure' }, bad()],
    ['that took too long', { outcome: 'timeout', time_to_first_token_ms: 9 }, bad()],
    ['that was refused', { outcome: 'failure', error_code: 'client', http_status: 400 }, bad()],
    ['that was refused, as an older router says it', { outcome: 'failure', error_code: 'refused' }, bad()],
    ['that cannot be asked for', { outcome: 'failure', error_code: 'unsupported' }, bad()],
    ['of a model that is not there', { outcome: 'failure', error_code: 'not_found' }, bad()],
    ['of a model that is not allowed', { outcome: 'failure', error_code: 'auth', http_status: 403 }, bad()],
    ['under a key that does not work', { outcome: 'failure', error_code: 'auth', http_status: 401 }, null],
    [
      'that a content filter ended',
      { outcome: 'success', error_code: 'content_filter', streamed: true, time_to_first_token_ms: 3, cost_usd: 2 },
      bad(2),
    ],
    ['that was too much for its provider', { outcome: 'failure', error_code: 'rate_limit' }, unavailable],
    [
      'that was spared for those before',
      { outcome: 'cancelled', error_code: 'spared', response_time_ms: 0 },
      unavailable,
    ],
    ['that was stopped', { outcome: 'cancelled', error_code: 'server' }, null],
    ['that was spared for want of a place', { outcome: 'cancelled', error_code: 'spared_busy' }, null],
    ['that was spared at the end of its trial', { outcome: 'cancelled', error_code: 'spared_ended' }, null],
    ['whose client left, who knows when', { outcome: 'cancelled' }, null],
    ['that is open', { outcome: 'routed' }, null],
    ['of no rollout', { outcome: 'success', rollout: undefined }, null],
  ])('%s says the same of both arms', (_name, decision, expected) => {
    const arms = ['canary', 'control'] as const;
    for (const arm of arms) {
      const labelled = record({ rollout: { ...label, arm }, ...decision });
      const told = observationsAfter((changes) => changes.countAttempt(undefined, labelled));
      expect(told).toEqual(expected === null ? [] : [{ ...label, arm, pair: null, ...expected }]);
    }
  });

  it('says nothing of a copy', () => {
    const copy = record({ outcome: 'success', rollout: { ...label, arm: 'shadow' } });
    expect(observationsAfter((changes) => changes.countAttempt(undefined, copy))).toEqual([]);
  });

  it.each<[string, Partial<RoutingDecision>, number, boolean]>([
    ['before anything came', { response_time_ms: 900, streamed: false, cost_usd: 2 }, 900, false],
    ['before its stream began', { response_time_ms: 900, streamed: true }, 900, true],
    ['after it had begun', { response_time_ms: 900, streamed: true, time_to_first_token_ms: 20 }, 20, true],
  ])('tells how long its client waited who left %s', (_name, decision, waited, streamed) => {
    const left = { ...decision, outcome: 'cancelled' } as const;
    const control = { ...label, arm: 'control' } as const;
    const told = observationsAfter(
      (changes) => changes.countAttempt(undefined, record(left)),
      (changes) => changes.countAttempt(undefined, record({ ...left, rollout: control })),
      (changes) => changes.countAttempt(undefined, record(left, 1)),
    );
    const expected = { kind: 'left', bad: null, latency_ms: waited, streamed, cost_usd: null, pair: null };
    expect(told).toEqual([
      { ...label, ...expected },
      { ...control, ...expected },
    ]);
  });

  it('is of no known conversation where its label names none', () => {
    const { unit: _, ...nameless } = label;
    const told = observationsAfter((changes) =>
      changes.countAttempt(undefined, record({ outcome: 'success', rollout: nameless })),
    );
    expect(told).toMatchObject([{ kind: 'outcome', unit: null }]);
  });

  it('counts when both its end and its label are known, whichever comes first, and once', () => {
    const ended = { ...success, rollout_id: null, rollout_arm: null, rollout_share: null, rollout_unit: null };
    for (const [first, second] of [
      [routed, ended],
      [ended, routed],
      [unlabelled, success],
      [routed, success],
    ] as const) {
      const combined = combineRecords(first, second);
      const told = observationsAfter(
        (changes) => changes.countAttempt(undefined, first),
        (changes) => changes.countAttempt(first, combined),
        (changes) => changes.countAttempt(combined, combineRecords(combined, routed)),
      );
      expect(told).toEqual([{ ...label, pair: null, ...good(900, false), cost_usd: 0.5 }]);
    }
  });

  it('counts no more when it is not the first of its decision', () => {
    expect(observationsAfter((changes) => changes.countAttempt(undefined, record({ outcome: 'success' }, 1)))).toEqual(
      [],
    );
  });
});

describe('feedback', () => {
  const judged = (score: number): WrittenRecord => ({ ...success, feedback_score: score });

  it('counts the first time', () => {
    const told = observationsAfter(
      (changes) => changes.judge(success, judged(0.4)),
      (changes) => changes.judge(judged(0.4), judged(0.9)),
    );
    expect(told).toEqual([{ ...label, pair: null, ...bad(), kind: 'quality' }]);
  });
});

describe('feedback on what was not answered', () => {
  it.each([
    { outcome: 'cancelled', error_code: 'spared' },
    { outcome: 'cancelled', error_code: null },
    { outcome: 'failure', error_code: 'rate_limit' },
  ] as const)('counts for nothing: $outcome, $error_code', ({ outcome, error_code }) => {
    const before = record({ outcome, error_code });
    const told = observationsAfter((changes) => changes.judge(before, { ...before, feedback_score: 0 }));
    expect(told).toEqual([]);
  });
});

describe('a pair', () => {
  it('is what the event says, and no other event is one', () => {
    const pair = { error: 'neither', invalid: 'shadow', scores: null } as const;
    const shadow = { ...label, arm: 'shadow' } as const;
    const told = observationsAfter(
      (changes) => changes.compare(event({ rollout: { ...shadow, pair } })),
      (changes) => changes.compare(event({ rollout: shadow })),
      (changes) => changes.compare(event({ rollout: undefined })),
    );
    expect(told).toEqual([{ ...shadow, pair, ...nothing, kind: 'pair' }]);
  });
});
