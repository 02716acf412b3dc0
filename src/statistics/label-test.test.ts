import { describe, expect, it } from 'vitest';
import {
  type BadEvents,
  badEventsToDecision,
  canaryLabelProbability,
  type LabelTest,
  logEvidenceOfHarm,
  logEvidenceOfSafety,
} from './label-test.ts';
import { createRandom, type Random } from './random.ts';

const test10: LabelTest = { share: 0.1, allowedRatio: 1 };

describe('evidence of harm', () => {
  it.each<[canary: number, all: number, share: number, allowedRatio: number, log: number]>([
    [12, 40, 0.1, 1, 5.096701],
    [4, 40, 0.1, 1, -1.230906],
    [9, 30, 0.1, 1, 3.694784],
    [20, 40, 0.5, 1, -1.668167],
    [30, 40, 0.5, 1, 4.262888],
    [12, 40, 0.1, 1.25, 3.446176],
  ])('of %i bad canary events of %i, share %f, ratio %f', (canary, all, share, allowedRatio, log) => {
    expect(logEvidenceOfHarm({ canary, control: all - canary }, { share, allowedRatio })).toBeCloseTo(log, 6);
  });

  it('is 1 before anything happened, and does not overflow', () => {
    expect(logEvidenceOfHarm({ canary: 0, control: 0 }, test10)).toBeCloseTo(0, 12);
    expect(logEvidenceOfHarm({ canary: 1e6, control: 0 }, test10)).toBeGreaterThan(1e5);
    expect(logEvidenceOfHarm({ canary: 0, control: 1e6 }, test10)).toBeLessThan(-1e4);
  });
});

/** Runs one canary until its evidence is 1/alpha; the requests that it took, or null. */
function requestsUntil(
  alpha: number,
  requests: number,
  rates: { canary: number; control: (request: number) => number },
  test: LabelTest,
  random: Random,
  evidence = logEvidenceOfHarm,
): number | null {
  const events: BadEvents = { canary: 0, control: 0 };
  const bound = Math.log(1 / alpha);
  for (let request = 1; request <= requests; request += 1) {
    const arm = random.next() < test.share ? 'canary' : 'control';
    const rate = rates.control(request) * (arm === 'canary' ? rates.canary : 1);
    if (random.next() >= rate) continue;
    events[arm] += 1;
    if (evidence(events, test) >= bound) return request;
  }
  return null;
}

describe('watched after every event', () => {
  it('rolls an equal canary back at most as often as it may, also while the base rate drifts', () => {
    const random = createRandom('null canaries');
    const alpha = 0.05;
    let rolledBack = 0;
    for (let run = 0; run < 1000; run += 1) {
      // An outage in the middle, and a slow drift: both arms alike.
      const control = (request: number): number => (request > 2000 && request < 2300 ? 0.5 : 0.03 + request / 200_000);
      if (requestsUntil(alpha, 5000, { canary: 1, control }, test10, random) !== null) rolledBack += 1;
    }
    expect(rolledBack / 1000).toBeLessThanOrEqual(alpha);
  });

  const medianOf = (runs: number, run: () => number | null): number => {
    const results = Array.from({ length: runs }, () => run() ?? Infinity).sort((a, b) => a - b);
    return results[Math.floor(runs / 2)] ?? Infinity;
  };
  it.each([
    ['twice the errors', 2, 0.05, 2500],
    ['five times the errors', 5, 0.05, 300],
  ])('%s are found within the goal', (_, ratio, rate, goal) => {
    const random = createRandom('detection');
    const median = medianOf(201, () =>
      requestsUntil(0.025, 50_000, { canary: ratio, control: () => rate }, test10, random),
    );
    expect(median).toBeLessThanOrEqual(goal);
  });

  it('a slowdown of 1.5 times is found within the goal, by requests slower than 90% of the control’s', () => {
    const random = createRandom('slowdown');
    // First tokens are log-normal, p95 four times the median; slower by half is the same distribution, moved.
    const p90 = quantileOf(
      Array.from({ length: 20_000 }, () => random.logNormal(100, 400)),
      0.9,
    );
    const median = medianOf(201, () => {
      const events: BadEvents = { canary: 0, control: 0 };
      for (let request = 1; request <= 20_000; request += 1) {
        const arm = random.next() < 0.1 ? 'canary' : 'control';
        if (random.logNormal(100, 400) * (arm === 'canary' ? 1.5 : 1) <= p90) continue;
        events[arm] += 1;
        if (logEvidenceOfHarm(events, test10) >= Math.log(1 / 0.01)) return request;
      }
      return null;
    });
    expect(median).toBeLessThanOrEqual(1500);
  });
});

function quantileOf(values: number[], share: number): number {
  values.sort((a, b) => a - b);
  return values[Math.floor(share * values.length)] ?? NaN;
}

describe('evidence of safety', () => {
  const test50: LabelTest = { share: 0.5, allowedRatio: 1.5 };
  it('promotes a canary that is as bad as allowed at most as often as it may', () => {
    const random = createRandom('unsafe canaries');
    let promoted = 0;
    for (let run = 0; run < 1000; run += 1) {
      const rates = { canary: 1.5, control: () => 0.1 };
      if (requestsUntil(0.05, 3000, rates, test50, random, logEvidenceOfSafety) !== null) promoted += 1;
    }
    expect(promoted / 1000).toBeLessThanOrEqual(0.05);
  });

  it('grows for an equal one', () => {
    const random = createRandom('equal canary');
    const rates = { canary: 1, control: () => 0.1 };
    expect(requestsUntil(0.05, 20_000, rates, test50, random, logEvidenceOfSafety)).toBeLessThan(5000);
  });
});

describe('bad events that are still needed', () => {
  it('are infinitely many where there is nothing to find, fewer the greater the harm', () => {
    expect(badEventsToDecision(1, test10, 0.02)).toBe(Infinity);
    const [twice, fivefold] = [2, 5].map((ratio) => badEventsToDecision(ratio, test10, 0.02));
    expect(fivefold).toBeLessThan(twice ?? 0);
    // (ln 50 + ln 7) / KL(θ ‖ 0.1), with θ = 2/11.
    const theta = canaryLabelProbability(2, 0.1);
    expect(theta).toBeCloseTo(2 / 11, 12);
    const divergence = theta * Math.log(theta / 0.1) + (1 - theta) * Math.log((1 - theta) / 0.9);
    expect(twice).toBeCloseTo(Math.log(350) / divergence, 9);
  });
});
