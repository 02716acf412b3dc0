import { describe, expect, it } from 'vitest';
import { aDecisionEvent } from '../../../test/support/decision-event.ts';
import type { RoutingDecision } from '../../contracts/event.ts';
import type { DecisionEvent } from '../consume/parse-message.ts';
import { recordOf } from './record.ts';
import { createSpendingChanges } from './spending-changes.ts';

const eventOf = (decision: Partial<RoutingDecision>): DecisionEvent =>
  aDecisionEvent({
    outcome: 'success',
    origin: 'auto',
    user_model_request: 'auto',
    input_tokens: 100,
    cached_input_tokens: 40,
    output_tokens: 10,
    cost_usd: 0.5,
    ...decision,
  });

function changesOf(...decisions: Array<Partial<RoutingDecision>>) {
  const spending = createSpendingChanges();
  for (const event of decisions.map(eventOf)) spending.countAttempt(undefined, recordOf(event), event);
  return spending.changes();
}

const answer = {
  hour: '2026-01-01T10:00:00.000Z',
  purpose: 'choice',
  provider: 'acme',
  model: 'swift',
  complexity: 'medium',
  answers: 1,
  input_tokens: 100,
  cached_input_tokens: 40,
  output_tokens: 10,
  unpriced_answers: 0,
  cost_usd: 0.5,
  unused_usd: 0,
  explored: 0,
  exploration_usd: 0,
};
const rollout = {
  rollout_id: '00000000-0000-7000-8000-000000000002',
  arm: 'shadow' as const,
  share: 0.02,
  unit: 'u',
};
const race = {
  race_id: '00000000-0000-7000-8000-000000000003',
  strategy: 'best' as const,
  lane: 0,
  lanes: 2,
  caller_id: 'none',
};

describe('what a call was made for', () => {
  it.each<[string, Partial<RoutingDecision>]>([
    ['choice', {}],
    ['choice', { origin: 'canary' }],
    ['fallback', { origin: 'fallback', attempt: 1 }],
    ['hedge', { origin: 'hedge', attempt: 1, user_model_request: 'auto:cost' }],
    ['copy', { origin: 'shadow', rollout }],
    ['judge', { origin: 'shadow', user_model_request: 'judge-1' }],
    ['judge', { origin: 'race', user_model_request: 'judge-1' }],
  ])('is %s for %j', (purpose, decision) => {
    expect(changesOf(decision)).toEqual([{ ...answer, purpose }]);
  });

  it.each<[string, Partial<RoutingDecision>]>([
    ['a model that the client named', { origin: 'pinned', user_model_request: 'swift' }],
    ['what came after it', { origin: 'fallback', attempt: 1, user_model_request: 'swift' }],
    ['a lane of a race', { origin: 'race', race }],
    ['a call under way', { outcome: 'routed' }],
  ])('is none of these for %s', (_name, decision) => {
    expect(changesOf(decision)).toEqual([]);
  });
});

it('sums what is alike, and keeps apart what nobody got', () => {
  const lost = { outcome: 'cancelled' as const, output_tokens: null, cost_usd: 0.25 };
  const brokenOff = { outcome: 'cancelled' as const, time_to_first_token_ms: 90, output_tokens: 4 };
  expect(changesOf({ exploration_cost_usd: 0.125 }, lost, brokenOff, { outcome: 'failure', cost_usd: null })).toEqual([
    {
      ...answer,
      answers: 2,
      input_tokens: 200,
      cached_input_tokens: 80,
      output_tokens: 14,
      cost_usd: 1.25,
      unused_usd: 0.25,
      explored: 1,
      exploration_usd: 0.125,
    },
  ]);
});

it.each<Partial<RoutingDecision>>([{ cost_usd: null }, { input_tokens: null }])(
  'leaves out an answer with %j',
  (lacking) => {
    expect(changesOf(lacking)).toMatchObject([{ answers: 0, unpriced_answers: 1, cost_usd: 0, output_tokens: 0 }]);
  },
);

it('counts an attempt once, when it ends', () => {
  const spending = createSpendingChanges();
  const opened = recordOf(eventOf({ outcome: 'routed' }));
  const ended = eventOf({});
  spending.countAttempt(undefined, opened, eventOf({ outcome: 'routed' }));
  spending.countAttempt(opened, recordOf(ended), ended);
  spending.countAttempt(recordOf(ended), recordOf(ended), ended);
  expect(spending.changes()).toEqual([answer]);
});
