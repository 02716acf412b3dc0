import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { aModel, aSnapshot } from '../../../test/support/catalogue.ts';
import type { TradeOff } from '../../contracts/decision.ts';
import { configSchema } from '../../platform/config/schema.ts';
import { policyFromConfig } from '../policy-from-config.ts';
import { chooseModel } from './choose.ts';
import { anyModel, type Policy, type SelectionRequest } from './policy.ts';
import { tradeOffOf } from './trade-off.ts';

const policy: Policy = policyFromConfig({ routing: configSchema.parse({}).routing });
const request: SelectionRequest = { ...anyModel, queryType: 'technical', complexity: 'medium', inputTokens: 1000 };
const asked = (value: number): TradeOff => ({ value, source: 'request' });

interface Offer {
  score: number;
  /** Of a thousand tokens, in and out alike, in USD; null: unknown. */
  price: number | null;
}

function choose(offers: readonly Offer[], changes: Partial<SelectionRequest>, rules: Partial<Policy> = {}) {
  const models = offers.map(({ score, price }, index) =>
    aModel(`model-${index}`, 'one', {
      complexity_scores: { simple: score, medium: score, complex: score },
      costs: { input_tokens_per_1k: price, output_tokens_per_1k: price, cached_input_tokens_per_1k: null },
    }),
  );
  return chooseModel(aSnapshot(models).models, { ...request, ...changes }, { ...policy, ...rules }, () => null);
}

const chosenOf = (selection: ReturnType<typeof choose>) => selection.chain[0];

// Evenly: most doubles are too small to weigh anything. Prices span what is on the market, and free models.
const score = fc.integer({ min: 0, max: 500 }).map((hundredths) => hundredths / 100);
const price = fc.oneof(
  fc.integer({ min: -60, max: 0 }).map((exponent) => 10 ** (exponent / 10)),
  fc.constantFrom(0, 1e-7, 1.0001e-7),
);
const offers = fc.array(fc.record({ score, price }), { minLength: 1, maxLength: 8 });
const share = fc.integer({ min: 0, max: 1000 }).map((step) => step / 1000);

describe('the trade-off of a request', () => {
  it('never chooses a dearer model when it is raised', () => {
    fc.assert(
      fc.property(offers, share, share, (catalogue, one, other) => {
        const costAt = (t: number) => chosenOf(choose(catalogue, { tradeOff: asked(t) }))?.costUsd;
        expect(costAt(Math.max(one, other))).toBeLessThanOrEqual(costAt(Math.min(one, other)) ?? -1);
      }),
      { numRuns: 2000 },
    );
  });

  it('is the best at 0 and the cheapest at 1, whatever else speaks for another', () => {
    const unknown = fc.record({ score, price: fc.option(price) });
    const others = fc.array(unknown, { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(others, fc.nat(7), share, fc.constantFrom(0, 0.35), (catalogue, liked, weight, cost) => {
        const rules = {
          weights: { ...policy.weights, cost, preference: 100 * weight, affinity: 100 * weight },
          preferences: { ...policy.preferences, technical: [`model-${liked}`] },
        };
        const conversation = { modelKey: `one/model-${liked}`, cachedInputTokens: 0 };
        const at = (t: number) => choose(catalogue, { tradeOff: asked(t), conversation }, rules);
        const costs = at(1).explanation.candidates.map((one) => one.estimated_cost_usd ?? Infinity);
        expect(chosenOf(at(1))?.costUsd ?? Infinity).toBe(Math.min(...costs));
        expect(chosenOf(at(0))?.believed).toBe(Math.max(...catalogue.map((offer) => offer.score)));
      }),
    );
  });

  it('means the same for cheap requests and dear ones', () => {
    const catalogue = [
      { score: 3, price: 0.0002 },
      { score: 3.6, price: 0.0011 },
      { score: 4.2, price: 0.006 },
      { score: 4.4, price: 0.03 },
    ];
    for (const t of [0, 0.25, 0.4, 0.5, 0.6, 0.75, 1]) {
      const small = choose(catalogue, { tradeOff: asked(t), inputTokens: 10, maxOutputTokens: 10 });
      const large = choose(catalogue, { tradeOff: asked(t), inputTokens: 100_000, maxOutputTokens: 100 });
      const [first, ...rest] = [small, large].map((selection) => chosenOf(selection)?.entry.model.model_id);
      expect(rest).toEqual([first]);
    }
  });

  it('is told in the sentence and in the explanation', () => {
    const { explanation } = choose([{ score: 3, price: 0.001 }], { tradeOff: asked(0.8) });
    expect(explanation.summary).toMatch(
      /, at a trade-off of 0\.8 between quality \(0\) and cost \(1\), as the request asks: /,
    );
    expect(explanation.trade_off).toEqual({ ...asked(0.8), quality_ratio: 1 });
  });
});

const ofFloor: TradeOff = { value: 0.4, source: 'quality_floor' };

test.each<[string, Partial<SelectionRequest>, TradeOff | null, TradeOff | null]>([
  ['the request before all', { tradeOff: asked(0.1), prefer: 'cost' }, configured(0.9), asked(0.1)],
  ['its word before the key', { tradeOff: { value: 0.2, source: 'key' }, prefer: 'cost' }, configured(0.9), null],
  ['its word before the configuration', { prefer: 'quality' }, configured(0.9), null],
  [
    'the key before the configuration',
    { tradeOff: { value: 0, source: 'key' } },
    configured(0.9),
    { value: 0, source: 'key' },
  ],
  ['the configuration', {}, configured(0.9), configured(0.9)],
  ['none', {}, null, null],
  ['the floor', {}, ofFloor, ofFloor],
  ['not the floor, where the request orders providers', { providerOrder: ['one'] }, ofFloor, null],
  ['the configuration, whatever the order', { providerOrder: ['one'] }, configured(0.9), configured(0.9)],
])('holds: %s', (_name, changes, tradeOff, expected) => {
  expect(tradeOffOf({ ...request, ...changes }, { tradeOff })).toEqual(expected);
});

function configured(value: number): TradeOff {
  return { value, source: 'configuration' };
}
