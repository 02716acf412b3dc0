import { describe, expect, it, test } from 'vitest';
import { aModel, aSnapshot } from '../../../test/support/catalogue.ts';
import { complexities, queryTypeSchema } from '../../contracts/query-class.ts';
import { configSchema } from '../../platform/config/schema.ts';
import { createRandom } from '../../statistics/random.ts';
import { policyFromConfig } from '../policy-from-config.ts';
import { chooseModel, type Selection } from './choose.ts';
import { anyModel, type Policy } from './policy.ts';
import { createQualityFloor } from './quality-floor.ts';

const prices = [0.0002, 0.001, 0.005, 0.02];
const snapshot = aSnapshot(
  prices.map((price, rank) =>
    aModel(`model-${rank}`, 'one', {
      complexity_scores: { simple: 4.2 + rank / 10, medium: 3 + rank / 2, complex: 1 + rank },
      costs: { input_tokens_per_1k: price, output_tokens_per_1k: 4 * price },
    }),
  ),
);
const best = 'model-3';

function choose(floor: number, tradeOff: number, random: ReturnType<typeof createRandom>): Selection {
  const policy: Policy = {
    ...policyFromConfig({ routing: configSchema.parse({ routing: { quality_floor: floor } }).routing }),
    tradeOff: { value: tradeOff, source: 'quality_floor' },
  };
  const request = {
    ...anyModel,
    queryType: queryTypeSchema.options[random.int(4)] ?? 'simple',
    complexity: complexities[random.int(3)] ?? 'simple',
    inputTokens: 50 + random.int(5000),
  };
  return chooseModel(snapshot.models, request, policy, () => null);
}

describe.each([0.9, 0.95, 0.98, 0.995])('a floor of %f', (floor) => {
  const random = createRandom(`floor ${floor}`);
  const controller = createQualityFloor(floor);
  const ratios: number[] = [];
  let spentUsd = 0;
  let bestUsd = 0;
  for (let choice = 0; choice < 6000; choice += 1) {
    const { chain, explanation } = choose(floor, controller.tradeOff(), random);
    const ratio = explanation.trade_off?.quality_ratio ?? Number.NaN;
    controller.observe(ratio);
    ratios.push(ratio);
    spentUsd += chain[0]?.costUsd ?? Number.NaN;
    bestUsd += explanation.candidates.find(({ model }) => model === best)?.estimated_cost_usd ?? Number.NaN;
  }

  it('is where the mean comes to, from above, for less than the best model costs', () => {
    const newest = mean(ratios.slice(-3000));
    expect(Math.abs(newest - floor)).toBeLessThan(0.005);
    expect(controller.meanRatio()).toBeCloseTo(newest, 2);
    expect(mean(ratios)).toBeGreaterThanOrEqual(floor);
    expect(spentUsd).toBeLessThan(0.9 * bestUsd);
  });

  it('is never missed by much over any two thousand choices, nor by a single one by more than a tenth', () => {
    for (let start = 0; start + 2000 <= ratios.length; start += 50) {
      expect(mean(ratios.slice(start, start + 2000))).toBeGreaterThanOrEqual(floor - 0.005);
    }
    expect(Math.min(...ratios)).toBeGreaterThanOrEqual(floor - 0.1);
  });
});

test('where all are alike the trade-off ends at cost', () => {
  const controller = createQualityFloor(0.98);
  for (let choice = 0; choice < 1000; choice += 1) controller.observe(1);
  expect(controller.tradeOff()).toBe(1);
});

test('what was lost is made good before anything is saved again', () => {
  const controller = createQualityFloor(0.98);
  controller.observe(0.9);
  expect(controller.tradeOff()).toBe(0);
  for (let choice = 0; choice < 4; choice += 1) controller.observe(1);
  expect(controller.tradeOff()).toBeCloseTo(0, 12);
  controller.observe(1);
  expect(controller.tradeOff()).toBeCloseTo(0.002, 12);
});

test('a choice far below the floor gives way to the cheapest that is not, and falls back to the rest', () => {
  const policy: Policy = {
    ...policyFromConfig({ routing: configSchema.parse({ routing: { quality_floor: 0.98 } }).routing }),
    tradeOff: { value: 1, source: 'quality_floor' },
  };
  const request = { ...anyModel, queryType: 'research', complexity: 'complex', inputTokens: 1000 } as const;
  const { chain, explanation } = chooseModel(snapshot.models, request, policy, () => null);
  // Success rates 0.598, 0.696, 0.794 and 0.892: 88% of the best is 0.785.
  expect(chain[0]?.entry.model.model_id).toBe('model-2');
  expect(chain).toHaveLength(3);
  expect(explanation.summary).toContain('the cheapest that is not far below the quality floor');
  const asked = { ...request, tradeOff: { value: 1, source: 'request' } } as const;
  expect(chooseModel(snapshot.models, asked, policy, () => null).chain[0]?.entry.model.model_id).toBe('model-0');
});

test.each([{ target_cost_usd: 0.01 }, { cost_quality_tradeoff: 0.3 }])(
  'the floor and %o are not for one configuration',
  (other) => {
    const { error } = configSchema.safeParse({ routing: { quality_floor: 0.98, ...other } });
    expect(error?.issues).toMatchObject([{ path: ['routing', 'quality_floor'] }]);
  },
);

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
