import { expect, it } from 'vitest';
import { createRandom } from '../../statistics/random.ts';
import { compareWith, findBestSingle, judgeSingle } from './compare-models.ts';
import type { LoggedChoice, Offer } from './read-choices.ts';

const both = new Set(['small', 'large']);
const complexities = ['simple', 'complex'] as const;
/** True success rates: the small model is as good where it is simple. */
const rates = { small: { simple: 0.95, complex: 0.5 }, large: { simple: 0.95, complex: 0.9 } };

/** A router that takes the small model for what is simple, and the large one else; and now and then the other. */
function log(count: number, explored: number, believed: Record<'small' | 'large', number>): LoggedChoice[] {
  const random = createRandom('savings');
  return Array.from({ length: count }, (_, index): LoggedChoice => {
    const complexity = complexities[index % 2] ?? 'simple';
    const best = complexity === 'simple' ? 'small' : 'large';
    const other = best === 'small' ? 'large' : 'small';
    const served = random.next() < explored ? other : best;
    const offers = new Map<string, Offer>([
      [best, { probability: 1 - explored, believed: believed[best] }],
      [other, { probability: explored, believed: believed[other] }],
    ]);
    return {
      complexity,
      served,
      propensity: served === best ? 1 - explored : explored,
      isGood: random.next() < rates[served][complexity],
      byChance: explored > 0,
      offers,
    };
  });
}

it('finds the best single model, and how the choices did beside it', () => {
  // The catalogue is wrong about them, and the answers say so.
  const choices = log(8000, 0.2, { small: 0.95, large: 0.9 });
  expect(findBestSingle(choices, both)?.key).toBe('large');
  expect(findBestSingle(choices, new Set(['small']))?.key).toBe('small');
  const { used, effectiveCount, success, measured, believedRatio } = compareWith('large', choices);
  expect(used).toBe(8000);
  expect(effectiveCount).toBeGreaterThan(1000);
  // 0.8 · 0.925 + 0.2 · (0.95 + 0.5) / 2 of the choices, 0.925 of the large model.
  expect(success?.value).toBeCloseTo(0.885, 1);
  expect(measured?.baseline.interval[0]).toBeLessThan(0.925);
  expect(measured?.baseline.interval[1]).toBeGreaterThan(0.925);
  expect(measured?.snips).toBeCloseTo(0.925, 1);
  const truth = 0.885 / 0.925;
  const [low = 1, high = 0] = measured?.ratio.interval ?? [];
  expect(low).toBeLessThan(truth);
  expect(high).toBeGreaterThan(truth);
  expect(high - low).toBeLessThan(0.06);
  expect(believedRatio).toBeCloseTo((0.95 + 0.9) / 2 / 0.9, 2);
});

it('goes by what is believed where nothing was tried', () => {
  const choices = log(500, 0, { small: 0.8, large: 0.9 });
  expect(findBestSingle(choices, both)).toEqual({
    key: 'large',
    successRate: expect.closeTo(0.9, 9),
    effectiveCount: 0,
  });
  const comparison = compareWith('large', choices);
  expect(comparison).toMatchObject({ used: 0, effectiveCount: 0, measured: null });
  expect(comparison.success?.value).toBeCloseTo(0.925, 1);
  expect(comparison.believedRatio).toBeCloseTo(0.85 / 0.9, 9);
});

it('does not take a model for the best that could have answered few of the requests', () => {
  const choices = log(200, 0, { small: 0.8, large: 0.7 });
  const rare = new Map(choices[0]?.offers).set('rare', { probability: 0, believed: 0.99 });
  expect(
    findBestSingle([...choices.slice(1), { ...(choices[0] as LoggedChoice), offers: rare }], new Set([...both, 'rare']))
      ?.key,
  ).toBe('small');
  expect(judgeSingle('rare', choices)).toBeNull();
});

it('knows nothing of nothing', () => {
  expect(findBestSingle([], both)).toBeNull();
  expect(compareWith('any', [])).toEqual({
    used: 0,
    effectiveCount: 0,
    success: null,
    measured: null,
    believedRatio: null,
  });
});
