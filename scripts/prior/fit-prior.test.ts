import { expect, test } from 'vitest';
import { effectsOf, shiftsFromPrior } from '../../src/prediction/prior.ts';
import { sumColumns } from '../../src/prediction/quantised-matrix.ts';
import { createRandom } from '../../src/statistics/random.ts';
import { fitPrior, fitTopics } from './fit-prior.ts';
import type { PublicRow } from './public-data.ts';

const random = createRandom('prior');

/** The chance of a good answer of the strong and the weak model: easy for both, and hard for the weak one alone. */
const chances = [
  { strong: 0.9, weak: 0.8 },
  { strong: 0.7, weak: 0.2 },
];

const rows = Array.from({ length: 1500 }, (_, index): PublicRow => {
  const topic = index % 2;
  const chance = chances[topic] as (typeof chances)[number];
  return {
    source: 'llmrouter14',
    benchmark: 'llmrouter14',
    task: String(topic),
    topic,
    question: String(index),
    features: Uint16Array.from(new Set(Array.from({ length: 30 }, () => topic * 1000 + random.int(200)))),
    bareFeatures: null,
    complexity: index % 3 === 0 ? 'complex' : 'simple',
    outcomes: new Map([
      ['strong', random.chance(chance.strong) ? 1 : 0],
      ['weak', random.chance(chance.weak) ? 1 : 0],
    ]),
    tellsDifficulty: true,
    fold: 0,
  };
});
const prior = fitPrior(rows, fitTopics(rows));

const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

test('finds what is hard, and where a strong model is worth more than elsewhere', () => {
  const [easy, hard] = [0, 1].map((topic) => {
    const effects = rows.filter((row) => row.topic === topic).map(({ features }) => effectsOf(prior, features));
    return { ease: meanOf(effects.map(({ ease }) => ease)), separation: meanOf(effects.map((one) => one.separation)) };
  });
  // Both models: 0.65 on average, 0.85 on what is easy. Gap: 0.3 on average, 0.1 on what is easy, so a third.
  expect(easy?.ease).toBeCloseTo(0.2, 1);
  expect(hard?.ease).toBeCloseTo(-0.2, 1);
  expect(easy?.separation).toBeLessThan(-0.4);
  expect(hard?.separation).toBeGreaterThan(0.4);
});

test('shifts average to nothing at each complexity, for models that it has never seen', () => {
  const predictor = shiftsFromPrior(prior, [
    { name: 'better', ability: 0.75 },
    { name: 'worse', ability: 0.6 },
  ]);
  for (const complexity of ['simple', 'complex'] as const) {
    const own = rows.filter((row) => row.complexity === complexity);
    const shifts = own.map(({ features }) => predictor.shifts(features, complexity));
    for (const name of ['better', 'worse']) {
      expect(meanOf(shifts.map((one) => one.get(name) ?? NaN))).toBeCloseTo(0, 5);
    }
  }
});

test('does not learn from features that few prompts have', () => {
  const odd = { ...(rows[0] as PublicRow), features: Uint16Array.from([50_000, ...(rows[0] as PublicRow).features]) };
  const { featureEffects } = fitPrior([odd, ...rows], prior.topics);
  expect([...sumColumns(featureEffects, Uint16Array.of(50_000))]).toEqual([0, 0]);
});
