import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createCandidatePolicy, type RoutingRules } from '../../../src/central/evaluate/candidate-policy.ts';
import { complexities, queryTypeSchema } from '../../../src/contracts/query-class.ts';
import { preferSchema } from '../../../src/contracts/decision.ts';
import { configSchema } from '../../../src/platform/config/schema.ts';
import { explorationFromConfig, policyFromConfig } from '../../../src/router/policy-from-config.ts';
import { chooseModel, type Exploration, type Selection } from '../../../src/router/select/choose.ts';
import { anyModel, type SelectionRequest } from '../../../src/router/select/policy.ts';
import type { LearnedBelief } from '../../../src/router/snapshot/snapshot.ts';
import { successRateOf } from '../../../src/statistics/score-scale.ts';
import { aModel, aSnapshot } from '../../support/catalogue.ts';

// The candidate policy decides by what was logged, and so repeats what the router does: it must choose as the router would.

// Evenly: most doubles are too small to weigh anything.
const between = (low: number, high: number): fc.Arbitrary<number> =>
  fc.integer({ min: 0, max: 1000 }).map((step) => low + ((high - low) * step) / 1000);
const weight = between(0, 3);
const price = fc.option(between(1e-5, 0.05), { freq: 5 });
const names = ['alpha', 'alpha-mini', 'beta', 'beta-pro', 'gamma', 'delta.1'];
const chain = fc.uniqueArray(fc.constantFrom(...names, 'one/beta', 'two/alpha'), { minLength: 1, maxLength: 4 });
const pattern = fc.constantFrom(
  '*',
  'alpha*',
  '*mini',
  'beta',
  'one/*',
  'two/gamma',
  '*a*-*',
  'delta.*',
  'd*lta?1',
  '**',
  'alph*pha',
);

const models = fc.uniqueArray(
  fc.record({
    model: fc.constantFrom(...names),
    provider: fc.constantFrom('one', 'two'),
    score: between(0, 5),
    believed: between(0, 5),
    queryTypeOffset: between(-0.1, 0.1),
    price,
    ttftMs: fc.option(fc.integer({ min: 50, max: 5000 })),
  }),
  { selector: ({ model, provider }) => `${provider}/${model}`, minLength: 1, maxLength: 10 },
);

const routing = fc
  .record({
    weights: fc.record({ quality: weight, preference: weight, cost: weight, latency: weight, affinity: weight }),
    prefer_multiplier: between(0, 8),
    cost_reference_usd: between(0.001, 0.1),
    latency_reference_ms: between(100, 5000),
    preferences: fc.record({ simple: chain, technical: chain, research: chain, multimedia: chain }),
    cost_quality_tradeoff: fc.option(between(0, 1), { nil: undefined }),
    exploration: fc.record({
      floor: fc.constantFrom(0, 0.01, 0.2, 0.5),
      max_share: fc.constantFrom(0, 0.1, 1),
      max_extra_cost: fc.constantFrom(0, 0.05, 1000),
    }),
    allow: fc.array(pattern, { minLength: 1, maxLength: 3 }),
    deny: fc.array(pattern, { maxLength: 1 }),
  })
  .map((given): RoutingRules => configSchema.parse({ routing: given }).routing);

const logged = configSchema.parse({}).routing;

const situation = fc.record({
  queryType: fc.constantFrom(...queryTypeSchema.options),
  complexity: fc.constantFrom(...complexities),
  prefer: fc.option(fc.constantFrom(...preferSchema.options)),
  tradeOff: fc.option(fc.record({ value: between(0, 1), source: fc.constantFrom('request' as const, 'key' as const) })),
  conversation: fc.option(
    fc.constantFrom('one/alpha', 'two/beta').map((modelKey) => ({ modelKey, cachedInputTokens: 500 })),
  ),
});

/** What central believes is not what it has told, and differs by provider and query type. */
function beliefOf(
  {
    model,
    provider,
    believed,
    queryTypeOffset,
  }: { model: string; provider: string; believed: number; queryTypeOffset: number },
  { queryType, complexity }: Pick<SelectionRequest, 'queryType' | 'complexity'>,
): LearnedBelief {
  return {
    model,
    complexity,
    successRate: successRateOf(believed),
    strength: 100,
    refinements: [
      { kind: 'query_type', value: queryType, offset: queryTypeOffset },
      { kind: 'provider', value: provider, offset: queryTypeOffset / 2 },
    ],
  };
}

it('chooses as the router would, for any policy', () => {
  fc.assert(
    fc.property(models, routing, situation, (catalogue, rules, asked) => {
      const snapshot = aSnapshot(
        catalogue.map(({ model, provider, score, price: perToken }) =>
          aModel(model, provider, {
            complexity_scores: { simple: score, medium: score, complex: score },
            costs: { input_tokens_per_1k: perToken, output_tokens_per_1k: perToken === null ? null : 4 * perToken },
          }),
        ),
        { beliefs: catalogue.map((entry) => beliefOf(entry, asked)) },
      );
      const request: SelectionRequest = { ...anyModel, ...asked, inputTokens: 1000 };
      const ttftOf = (key: string): number | null =>
        catalogue.find(({ model, provider }) => `${provider}/${model}` === key)?.ttftMs ?? null;
      const choose = (of: RoutingRules, exploration: Exploration | null): Selection =>
        chooseModel(snapshot.models, request, policyFromConfig({ routing: of }), ({ key }) => ttftOf(key), exploration);

      const { candidates, trade_off: tradeOff = null } = choose(logged, null).explanation;
      const choices = createCandidatePolicy(rules).choose({ ...asked, candidates, tradeOff, mayExplore: true });

      // Draws that are the scores themselves: nothing beyond the floor is tried out.
      const drawsOf: Exploration['drawsOf'] = (entry, complexity) => Float64Array.of(entry.scores[complexity].believed);
      const bounds = explorationFromConfig({ routing: rules });
      const real = choose(rules, bounds === null ? null : { bounds, drawsOf, uniform: 0 });
      const [first, second] = real.explanation.candidates.map(({ terms }) => terms.total);
      // Where two are as good as each other, either may win a draw.
      fc.pre(first === undefined || second === undefined || first - second > 1e-3);

      const expected = real.explanation.candidates
        .map(({ model, provider, probability }, index) => ({
          model,
          provider,
          probability: probability ?? (index === 0 ? 1 : 0),
        }))
        .filter(({ probability }) => probability > 0);
      expect(choices).toHaveLength(expected.length);
      expect(choices.map(({ candidate: { model, provider } }) => ({ model, provider }))[0]).toEqual(
        expected.map(({ model, provider }) => ({ model, provider }))[0],
      );
      for (const { model, provider, probability } of expected) {
        const same = choices.find(({ candidate }) => candidate.model === model && candidate.provider === provider);
        expect(same?.probability).toBeCloseTo(probability, 9);
      }
    }),
    { numRuns: 1000 },
  );
});
