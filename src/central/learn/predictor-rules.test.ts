import { describe, expect, it } from 'vitest';
import type { PredictorTally } from '../../platform/store/predictors.ts';
import { createRandom } from '../../statistics/random.ts';
import { harmOf, isWorthTraining } from './predictor-rules.ts';

const share = 0.95;

/** After how many requests a predictor with these rates of bad choices is retired; null: never, within `most`. */
function requestsToRetirement(seed: string, used: number, heldOut: number, most: number): number | null {
  const random = createRandom(seed);
  const arms = {
    used: { version: 3, arm: 'used', requests: 0, bad: 0 } satisfies PredictorTally,
    heldOut: { version: 3, arm: 'held_out', requests: 0, bad: 0 } satisfies PredictorTally,
  };
  for (let request = 1; request <= most; request += 1) {
    const isUsed = random.chance(share);
    const arm = isUsed ? arms.used : arms.heldOut;
    arm.requests += 1;
    if (!random.chance(isUsed ? used : heldOut)) continue;
    arm.bad += 1;
    if (harmOf([arms.used, arms.heldOut], 3) !== null) return request;
  }
  return null;
}

describe('harmOf', () => {
  it('retires hardly ever a predictor that does no harm, looked at after every bad choice', () => {
    const runs = Array.from({ length: 500 }, (_, run) => requestsToRetirement(`null ${run}`, 0.1, 0.1, 5000));
    expect(runs.filter((requests) => requests !== null).length / runs.length).toBeLessThanOrEqual(0.02);
  });

  it('retires one under which three times as many choices turn out bad', () => {
    const runs = Array.from({ length: 21 }, (_, run) => requestsToRetirement(`harm ${run}`, 0.3, 0.1, 20_000));
    const sorted = runs.map((requests) => requests ?? Infinity).sort((a, b) => a - b);
    expect(sorted[10]).toBeLessThan(3000);
  });

  it('says nothing of another version, or where nothing is held out', () => {
    const tallies: PredictorTally[] = [
      { version: 3, arm: 'used', requests: 1000, bad: 900 },
      { version: 3, arm: 'held_out', requests: 1000, bad: 1 },
    ];
    expect(harmOf(tallies, 3)).not.toBeNull();
    expect(harmOf(tallies, 4)).toBeNull();
    expect(harmOf(tallies.slice(0, 1), 3)).toBeNull();
  });
});

describe('isWorthTraining', () => {
  const newest = { version: 1, examples: 1000, outcomesBefore: 1000, isRetired: false };

  it('waits for enough outcomes, then for a tenth more, and for a half more after harm', () => {
    expect(isWorthTraining(999, undefined, 1000)).toBe(false);
    expect(isWorthTraining(1000, undefined, 1000)).toBe(true);
    expect(isWorthTraining(1099, newest, 1000)).toBe(false);
    expect(isWorthTraining(1100, newest, 1000)).toBe(true);
    expect(isWorthTraining(1499, { ...newest, isRetired: true }, 1000)).toBe(false);
    expect(isWorthTraining(1500, { ...newest, isRetired: true }, 1000)).toBe(true);
  });
});
