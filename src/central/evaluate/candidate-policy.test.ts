import { expect, it } from 'vitest';
import type { Candidate } from '../../contracts/decision.ts';
import { configSchema } from '../../platform/config/schema.ts';
import { createCandidatePolicy, type RoutingRules, type Situation, successesPerUsd } from './candidate-policy.ts';

// That it chooses as the router does is tested in test/integration/central/policy-choice.test.ts.

const rulesOf = (routing: object = {}): RoutingRules => configSchema.parse({ routing }).routing;

function aCandidate(model: string, score: number, costUsd: number | null, affinity = 0): Candidate {
  return {
    model,
    provider: 'one',
    complexity_score: score,
    score_source: 'learned',
    estimated_cost_usd: costUsd,
    expected_ttft_ms: 500,
    terms: { quality: 0, preference: 0, cost: 0, latency: 0, affinity, total: 0 },
  };
}

function choose(rules: RoutingRules, candidates: Candidate[], mayExplore = true): Record<string, number> {
  const situation: Situation = { candidates, queryType: 'technical', prefer: null, tradeOff: null, mayExplore };
  const choices = createCandidatePolicy(rules).choose(situation);
  return Object.fromEntries(choices.map(({ candidate, probability }) => [candidate.model, probability]));
}

const small = aCandidate('small', 3, 0.001);
const large = aCandidate('large', 4.5, 0.01);

it('spreads the floor evenly, within the bounds', () => {
  const free = { max_share: 1, max_extra_cost: 1000 };
  expect(choose(rulesOf({ exploration: { ...free, floor: 0.2 } }), [small, large])).toEqual({ large: 0.9, small: 0.1 });
  expect(choose(rulesOf({ exploration: { ...free, floor: 0.2, max_share: 0.05 } }), [small, large])).toEqual({
    large: 0.95,
    small: 0.05,
  });
  // The large one costs nine times the small one more: 0.1 of it would be 90%.
  const cheap = { weights: { cost: 5 }, exploration: { ...free, floor: 0.2, max_extra_cost: 0.09 } };
  expect(choose(rulesOf(cheap), [small, large])['large']).toBeCloseTo(0.01, 12);
  expect(choose(rulesOf(cheap), [small, aCandidate('unpriced', 4, null)])).toEqual({ small: 1 });
});

it('tries nothing out where the router did not, nor where the policy does not', () => {
  expect(choose(rulesOf({ exploration: { floor: 0.2 } }), [small, large], false)).toEqual({ large: 1 });
  expect(choose(rulesOf({ exploration: { enabled: false, floor: 0.2 } }), [small, large])).toEqual({ large: 1 });
});

it('keeps to allow and deny, and chooses nothing where nothing is allowed', () => {
  expect(choose(rulesOf({ deny: ['one/l*'] }), [small, large])).toEqual({ small: 1 });
  expect(choose(rulesOf({ allow: ['*/medium'] }), [small, large])).toEqual({});
});

it('gives the conversation’s model its own affinity', () => {
  const rules = rulesOf({ weights: { affinity: 10 } });
  expect(choose(rules, [aCandidate('small', 3, 0.001, 0.1), large], false)).toEqual({ small: 1 });
});

it('says how many successes a dollar is worth', () => {
  // 0.35 / (2 · 0.01) per USD, over 1 / 0.49 per success.
  expect(successesPerUsd(rulesOf())).toBeCloseTo(17.5 * 0.49, 12);
  expect(successesPerUsd(rulesOf({ weights: { cost: 0 } }))).toBeNull();
  expect(successesPerUsd(rulesOf({ weights: { quality: 0 } }))).toBeNull();
});
