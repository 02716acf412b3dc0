import { describe, expect, it } from 'vitest';
import {
  badEventsToDecision,
  canaryLabelProbability,
  logEvidenceOfHarm,
  logEvidenceOfSafety,
  type Stratum,
} from './label-test.ts';
import { createRandom, type Random } from './random.ts';

describe('evidence of harm', () => {
  it.each<[canary: number, all: number, share: number, allowedRatio: number, log: number]>([
    [12, 40, 0.1, 1, 5.096701],
    [4, 40, 0.1, 1, -1.230906],
    [9, 30, 0.1, 1, 3.694784],
    [20, 40, 0.5, 1, -1.668167],
    [30, 40, 0.5, 1, 4.262888],
    [12, 40, 0.1, 1.25, 3.446176],
  ])('of %i bad canary events of %i, share %f, ratio %f', (canary, all, share, allowedRatio, log) => {
    expect(logEvidenceOfHarm([{ share, canary, control: all - canary }], allowedRatio)).toBeCloseTo(log, 6);
  });

  it('of several shares is that of all their events, each at its own share', () => {
    const [first, second] = [
      { share: 0.1, canary: 6, control: 20 },
      { share: 0.1, canary: 6, control: 8 },
    ];
    expect(logEvidenceOfHarm([first, second], 1)).toBeCloseTo(5.096701, 6);
    // A canary of half the traffic should have half of the bad events: these are no evidence, and do not weaken the rest much.
    const more = logEvidenceOfHarm([first, second, { share: 0.5, canary: 20, control: 20 }], 1);
    expect(more).toBeLessThan(5.1);
    expect(more).toBeGreaterThan(0);
  });

  it('is 1 before anything happened, and does not overflow', () => {
    expect(logEvidenceOfHarm([], 1)).toBeCloseTo(0, 12);
    expect(logEvidenceOfHarm([{ share: 0.1, canary: 1e6, control: 0 }], 1)).toBeGreaterThan(1e5);
    expect(logEvidenceOfHarm([{ share: 0.1, canary: 0, control: 1e6 }], 1)).toBeLessThan(-1e4);
  });
});

interface Traffic {
  share: number;
  /** Bad rate of the control at a request, and by how much the canary's is greater. */
  control(request: number): number;
  ratio: number;
}

/** Runs one canary until its evidence is 1/alpha; the requests that it took, or null. */
function requestsUntil(
  alpha: number,
  requests: number,
  { share, control, ratio }: Traffic,
  random: Random,
  evidence = (strata: readonly Stratum[]) => logEvidenceOfHarm(strata, 1),
): number | null {
  const stratum: Stratum = { share, canary: 0, control: 0 };
  const bound = Math.log(1 / alpha);
  for (let request = 1; request <= requests; request += 1) {
    const arm = random.next() < share ? 'canary' : 'control';
    if (random.next() >= control(request) * (arm === 'canary' ? ratio : 1)) continue;
    stratum[arm] += 1;
    if (evidence([stratum]) >= bound) return request;
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
      if (requestsUntil(alpha, 5000, { share: 0.1, ratio: 1, control }, random) !== null) rolledBack += 1;
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
      requestsUntil(0.025, 50_000, { share: 0.1, ratio, control: () => rate }, random),
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
      const stratum: Stratum = { share: 0.1, canary: 0, control: 0 };
      for (let request = 1; request <= 20_000; request += 1) {
        const arm = random.next() < 0.1 ? 'canary' : 'control';
        if (random.logNormal(100, 400) * (arm === 'canary' ? 1.5 : 1) <= p90) continue;
        stratum[arm] += 1;
        if (logEvidenceOfHarm([stratum], 1) >= Math.log(1 / 0.01)) return request;
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
  const isSafe = (strata: readonly Stratum[]): number => logEvidenceOfSafety(strata, 1.5);

  it('promotes a canary that is as bad as allowed at most as often as it may', () => {
    const random = createRandom('unsafe canaries');
    let promoted = 0;
    for (let run = 0; run < 1000; run += 1) {
      const traffic = { share: 0.5, ratio: 1.5, control: () => 0.1 };
      if (requestsUntil(0.05, 3000, traffic, random, isSafe) !== null) promoted += 1;
    }
    expect(promoted / 1000).toBeLessThanOrEqual(0.05);
  });

  it('grows for an equal one', () => {
    const random = createRandom('equal canary');
    const traffic = { share: 0.5, ratio: 1, control: () => 0.1 };
    expect(requestsUntil(0.05, 20_000, traffic, random, isSafe)).toBeLessThan(5000);
  });
});

describe('bad events that are still needed', () => {
  it('are infinitely many where there is nothing to find, fewer the greater the harm', () => {
    expect(badEventsToDecision(1, 1, 0.1, 0.02)).toBe(Infinity);
    const [twice, fivefold] = [2, 5].map((ratio) => badEventsToDecision(ratio, 1, 0.1, 0.02));
    expect(fivefold).toBeLessThan(twice ?? 0);
    // (ln 50 + ln 7) / KL(θ ‖ 0.1), with θ = 2/11.
    const theta = canaryLabelProbability(2, 0.1);
    expect(theta).toBeCloseTo(2 / 11, 12);
    const divergence = theta * Math.log(theta / 0.1) + (1 - theta) * Math.log((1 - theta) / 0.9);
    expect(twice).toBeCloseTo(Math.log(350) / divergence, 9);
  });
});
