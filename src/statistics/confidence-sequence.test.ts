import { describe, expect, it } from 'vitest';
import {
  asymptoticHalfWidth,
  asymptoticRho,
  bernoulliConfidenceSequence,
  bestRho,
  logOneSidedNormalMixture,
  logTwoSidedNormalMixture,
  normalMixtureBound,
} from './confidence-sequence.ts';
import { createRandom } from './random.ts';

const tuning = { time: 100, alpha: 0.05 };

describe('as the authors’ library gives them', () => {
  it('normal mixtures', () => {
    const rho = bestRho(tuning);
    expect(rho).toBeCloseTo(12.60056, 5);
    expect(logTwoSidedNormalMixture(10, 100, rho)).toBeCloseTo(-0.6510052, 7);
    expect(normalMixtureBound(100, rho, 0.05)).toBeCloseTo(30.35209, 5);
    // One side gets the whole of the level.
    expect(logOneSidedNormalMixture(10, 100, bestRho({ ...tuning, alpha: 0.1 }))).toBeCloseTo(-0.06502391, 7);
  });

  it('the interval of a probability', () => {
    const [low, high] = bernoulliConfidenceSequence(700, 1000, 0.05, tuning);
    expect(low).toBeCloseTo(0.65163, 5);
    expect(high).toBeCloseTo(0.745949, 5);
  });

  it('the asymptotic interval of a mean', () => {
    expect(asymptoticHalfWidth(100, 0.25, 0.296341, 0.05)).toBeCloseTo(0.161333, 5);
    expect(asymptoticHalfWidth(0, 0.25, 0.296341, 0.05)).toBe(Infinity);
  });
});

it('a mixture rejects where its bound is, and not before', () => {
  const rho = bestRho(tuning);
  const bound = normalMixtureBound(300, rho, 0.05);
  expect(logTwoSidedNormalMixture(bound, 300, rho)).toBeCloseTo(Math.log(1 / 0.05), 10);
});

it.each<[number, number]>([
  [0, 50],
  [50, 50],
  [0, 0],
  [1, 3],
])('%i of %i has an interval that holds the share', (successes, trials) => {
  const [low, high] = bernoulliConfidenceSequence(successes, trials, 0.05, tuning);
  const share = trials === 0 ? 0.5 : successes / trials;
  expect(low).toBeLessThanOrEqual(share);
  expect(high).toBeGreaterThanOrEqual(share);
  expect([low >= 0, high <= 1]).toEqual([true, true]);
});

it('holds the truth at every time at once', () => {
  const random = createRandom('sequences');
  const truth = 0.2;
  const runs = 400;
  let missed = { bernoulli: 0, mean: 0 };
  for (let run = 0; run < runs; run += 1) {
    let successes = 0;
    const ever = { bernoulli: false, mean: false };
    for (let trials = 1; trials <= 500; trials += 1) {
      successes += random.next() < truth ? 1 : 0;
      // Between these nothing new could be missed that is not still missed soon after.
      if (trials % 10 !== 0) continue;
      const [low, high] = bernoulliConfidenceSequence(successes, trials, 0.05, tuning);
      ever.bernoulli ||= truth < low || truth > high;
      const width = asymptoticHalfWidth(trials, truth * (1 - truth), asymptoticRho(tuning), 0.05);
      ever.mean ||= Math.abs(successes / trials - truth) > width;
    }
    missed = { bernoulli: missed.bernoulli + Number(ever.bernoulli), mean: missed.mean + Number(ever.mean) };
  }
  // 5% and three standard errors of the simulation.
  expect(missed.bernoulli / runs).toBeLessThan(0.083);
  expect(missed.mean / runs).toBeLessThan(0.083);
});
