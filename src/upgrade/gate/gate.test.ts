import { describe, expect, it } from 'vitest';
import { createRandom, type Random } from '../../statistics/random.ts';
import { requestsNeeded } from './estimate.ts';
import { type Evidence, evidenceSchema, fold, noEvidence, type Observation } from './evidence.ts';
import { decide, judge } from './gate.ts';
import { type GateSettings, isSafe, logHarm, testNames } from './tests.ts';

const settings: GateSettings = {
  shadow: { minMs: 0, minPairs: 100 },
  canary: { shares: [0.1, 0.2, 0.5], minMs: [0, 0, 0], margin: 0.5, acceptableErrorRate: 0.02 },
  alpha: { errors: 0.025, quality: 0.015, slowness: 0.01 },
  beta: 0.05,
};
const onlyStage = (share: number): GateSettings => ({
  ...settings,
  canary: { ...settings.canary, shares: [share], minMs: [0] },
});

const outcome = (arm: 'canary' | 'control', share: number, bad: boolean, latencyMs: number | null = null) =>
  ({ kind: 'outcome', arm, share, bad, latencyMs, costUsd: null }) satisfies Observation;
const foldAll = (observations: readonly Observation[], from = noEvidence): Evidence =>
  observations.reduce((evidence, observation) => fold(evidence, observation, 'canary'), from);
const repeat = <T>(times: number, value: T): T[] => Array.from({ length: times }, () => value);

interface Behaviour {
  errorRate: number;
  /** Median of the time to the first token in milliseconds; the 95th percentile is four times as long. */
  medianMs: number | null;
  /** Share of bad among judged answers, of which there are a tenth of all. */
  badRate: number | null;
}
const usual = { errorRate: 0.05, medianMs: 100, badRate: 0.1 } satisfies Behaviour;
const onlyErrors: Behaviour = { errorRate: 0.05, medianMs: null, badRate: null };

/** Observations of random requests, as they come: outcomes, and of a tenth of them a judgement too. */
function* traffic(random: Random, share: number, control: Behaviour, canary: Behaviour): Generator<Observation> {
  for (;;) {
    const arm = random.chance(share) ? 'canary' : 'control';
    const { errorRate, medianMs, badRate } = arm === 'canary' ? canary : control;
    const bad = random.chance(errorRate);
    yield outcome(arm, share, bad, bad || medianMs === null ? null : random.logNormal(medianMs, 4 * medianMs));
    if (badRate !== null && random.chance(0.1)) yield { kind: 'quality', arm, share, bad: random.chance(badRate) };
  }
}

/** Runs a canary through its stages until the gate has spoken last, or so many requests are over. */
function runCanary(random: Random, given: GateSettings, control: Behaviour, canary: Behaviour, mostRequests: number) {
  let evidence = noEvidence;
  let requests = 0;
  for (let stage = 0; ;) {
    const at = { state: 'canary', stage, ageMs: 1 } as const;
    for (const observation of traffic(random, given.canary.shares[stage] ?? 0, control, canary)) {
      if (observation.kind === 'outcome') requests += 1;
      evidence = fold(evidence, observation, 'canary');
      if (requests > mostRequests || decide(at, evidence, given) !== null) break;
    }
    const { event, reason } = judge(at, evidence, given);
    if (event === 'advance') stage += 1;
    const isPromoted = stage === given.canary.shares.length;
    const end = event === 'harm' ? event : isPromoted ? 'promoted' : 'undecided';
    if (event === null || end !== 'undecided') return { end, requests, evidence, reason };
  }
}

function medianOf(runs: number, run: () => number): number {
  const results = Array.from({ length: runs }, run).sort((a, b) => a - b);
  return results[Math.floor(runs / 2)] ?? Infinity;
}

describe('evidence of harm, through the fold', () => {
  it.each([
    [12, 40, 0.1, 5.096701],
    [4, 40, 0.1, -1.230906],
    [9, 30, 0.1, 3.694784],
    [20, 40, 0.5, -1.668167],
    [30, 40, 0.5, 4.262888],
  ])('%d bad of %d with a share of %f', (canary, bad, share, expected) => {
    const evidence = foldAll([
      ...repeat(canary, outcome('canary', share, true)),
      ...repeat(bad - canary, outcome('control', share, true)),
      ...repeat(100, outcome('control', share, false)),
    ]);
    expect(logHarm(evidence, 'errors')).toBeCloseTo(expected, 6);
    expect(logHarm(evidence, 'quality')).toBe(0);
    expect(logHarm(evidence, 'slowness')).toBe(0);
  });

  it('counts each event under the share of its time', () => {
    const first = [...repeat(3, outcome('canary', 0.1, true)), ...repeat(20, outcome('control', 0.1, true))];
    const second = [...repeat(5, outcome('canary', 0.5, true)), ...repeat(6, outcome('control', 0.5, true))];
    const { strata } = foldAll([...first, ...second]).canary;
    expect(strata).toMatchObject([
      { share: 0.1, canary: { errors: 3, requests: 3 }, control: { errors: 20 } },
      { share: 0.5, canary: { errors: 5 }, control: { errors: 6 } },
    ]);
    // As many of each, but all at one share, say something else.
    expect(logHarm(foldAll([...first, ...second]), 'errors')).not.toBeCloseTo(
      logHarm(foldAll([...first, ...second].map((seen) => ({ ...seen, share: 0.1 }))), 'errors'),
      3,
    );
  });

  it('costs a canary at most ln 2 for pairs that showed no harm, and takes over what they showed', () => {
    const pairs = (error: 'control' | 'shadow', times: number) =>
      repeat<Observation>(times, { kind: 'pair', pair: { error, invalid: 'neither' } }).reduce(
        (evidence, pair) => fold(evidence, pair, 'shadow'),
        noEvidence,
      );
    const bad = [...repeat(12, outcome('canary', 0.1, true)), ...repeat(28, outcome('control', 0.1, true))];
    const alone = logHarm(foldAll(bad), 'errors');
    expect(logHarm(foldAll(bad, pairs('control', 100)), 'errors')).toBeCloseTo(alone - Math.log(2), 3);
    const suspicious = pairs('shadow', 5);
    expect(logHarm(foldAll(bad, suspicious), 'errors')).toBeGreaterThan(alone + 1);
  });

  it('takes only what belongs to its state', () => {
    const pair: Observation = { kind: 'pair', pair: { error: 'shadow', invalid: 'neither' } };
    expect(fold(noEvidence, pair, 'canary')).toBe(noEvidence);
    expect(fold(noEvidence, outcome('canary', 0.1, true), 'shadow')).toBe(noEvidence);
  });
});

describe('pairs', () => {
  const foldPairs = (pairs: ReadonlyArray<Extract<Observation, { kind: 'pair' }>['pair']>): Evidence =>
    pairs.reduce((evidence, pair) => fold(evidence, { kind: 'pair', pair }, 'shadow'), noEvidence);
  const shadow = { state: 'shadow', stage: 0, ageMs: 1 } as const;

  it('count what failed or was not valid once, and slowness against the control’s past', () => {
    const warmUp = Array.from({ length: 50 }, (_, index) => ({
      error: 'neither' as const,
      invalid: 'neither' as const,
      control_ms: index + 1,
      shadow_ms: 1,
    }));
    const evidence = foldPairs([
      ...warmUp,
      { error: 'shadow', invalid: 'neither', control_ms: 46, shadow_ms: null },
      { error: 'neither', invalid: 'shadow', control_ms: 30, shadow_ms: 49 },
      { error: 'both', invalid: 'neither' },
      { error: 'control', invalid: 'shadow' },
    ]);
    expect(evidence.shadow).toMatchObject({
      pairs: 54,
      errors: { shadow: 2, control: 0, both: 2 },
      timed: 1,
      slow: { shadow: 1, control: 0, both: 0 },
    });
    expect(evidence.shadow.control_ms).toHaveLength(52);
  });

  it('advance when there are enough, and not before their time', () => {
    const good = { error: 'neither', invalid: 'neither' } as const;
    expect(judge(shadow, foldPairs(repeat(99, good)), settings)).toEqual({
      event: null,
      reason: 'compared in pairs; needs 1 more pair of 100',
    });
    expect(judge(shadow, foldPairs(repeat(100, good)), settings).event).toBe('advance');
    const patient = { ...settings, shadow: { minMs: 7_200_000, minPairs: 100 } };
    expect(judge(shadow, foldPairs(repeat(100, good)), patient)).toEqual({
      event: null,
      reason: 'compared in pairs; needs 2 hours',
    });
  });

  it('roll a candidate back that fails where the other does not', () => {
    const evidence = foldPairs(repeat(12, { error: 'shadow', invalid: 'neither' }));
    const verdict = judge(shadow, evidence, settings);
    expect(verdict).toMatchObject({ event: 'harm', reason: expect.stringContaining('12 of 12 (100%)') as string });
  });

  it('roll a candidate back that a judge finds worse, and hardly ever one that it finds alike', () => {
    const random = createRandom('judge');
    const run = (difference: number): string => {
      let evidence = noEvidence;
      for (let pair = 0; pair < 300; pair += 1) {
        const [control, candidate] = [random.next() * 0.5 + 0.4, random.next() * 0.5 + 0.4 - difference];
        const scores = { control, shadow: candidate };
        evidence = fold(evidence, { kind: 'pair', pair: { error: 'neither', invalid: 'neither', scores } }, 'shadow');
        const verdict = judge(shadow, evidence, { ...settings, shadow: { minMs: 1e9, minPairs: 1 } });
        if (verdict.event === 'harm') return verdict.reason;
      }
      return 'none';
    };
    const worse = Array.from({ length: 20 }, () => run(0.2));
    expect(worse.every((reason) => /^quality: judged 0\.\d\d on average/.test(reason))).toBe(true);
    expect(Array.from({ length: 100 }, () => run(0)).filter((reason) => reason !== 'none').length).toBeLessThan(5);
  });
});

describe('a canary', () => {
  it(
    'that is no worse is rolled back as rarely as promised, with all tests watched at every event',
    { timeout: 120_000 },
    () => {
      const random = createRandom('null canaries');
      const endless = onlyStage(0.1);
      const never = { ...endless, canary: { ...endless.canary, minMs: [1e12] } };
      let harmed = 0;
      for (let run = 0; run < 1000; run += 1) {
        if (runCanary(random, never, usual, usual, 1500).end === 'harm') harmed += 1;
      }
      expect(harmed / 1000).toBeLessThanOrEqual(0.05);
    },
  );

  it.each([
    ['fails twice as often', onlyErrors, { ...onlyErrors, errorRate: 0.1 }, 'errors', 2500, 201],
    ['fails five times as often', onlyErrors, { ...onlyErrors, errorRate: 0.25 }, 'errors', 300, 201],
    ['is slower by half', usual, { ...usual, medianMs: 150 }, 'slowness', 1500, 51],
  ] as const)('that %s is found in time', { timeout: 60_000 }, (_, control, canary, name, goal, runs) => {
    const random = createRandom('detection');
    const never = {
      ...onlyStage(0.1),
      alpha: { errors: 1e-9, quality: 1e-9, slowness: 1e-9, [name]: settings.alpha[name] },
    };
    const median = medianOf(runs, () => {
      const { end, requests } = runCanary(random, never, control, canary, 10_000);
      return end === 'harm' ? requests : Infinity;
    });
    expect(median).toBeLessThanOrEqual(goal);
  });

  it('is never promoted by too little data, whatever its answers', () => {
    const given = onlyStage(0.5);
    const flawless = foldAll(
      repeat(50, [outcome('canary', 0.5, false, 1), outcome('control', 0.5, false, 100)]).flat(),
    );
    for (const evidence of [noEvidence, foldAll([outcome('canary', 0.5, false, 10)]), flawless]) {
      const { event, reason } = judge({ state: 'canary', stage: 0, ageMs: 1e12 }, evidence, given);
      expect(event).toBeNull();
      expect(reason).toMatch(/needs .*about [\d,]+ more requests/);
    }
  });

  it('that is good is promoted, and the requests still needed were about right', { timeout: 60_000 }, () => {
    const random = createRandom('good');
    const good = { ...usual, errorRate: 0.005 };
    const runs = Array.from({ length: 5 }, () => runCanary(random, settings, good, good, 60_000));
    for (const { end, reason, evidence } of runs) {
      expect(end).toBe('promoted');
      expect(reason).toMatch(/^shown to be no worse: errors: .*; quality: .*; slowness: /);
      expect(testNames.every((name) => isSafe(evidence, name, settings))).toBe(true);
      expect(testNames.map((name) => requestsNeeded(evidence, name, settings))).toEqual([0, 0, 0]);
    }
    const half = runCanary(random, settings, good, good, 1000).evidence;
    const guess = Math.max(...testNames.map((name) => requestsNeeded(half, name, settings) ?? Infinity));
    const real = medianOf(5, () => runs.pop()?.requests ?? 0);
    expect(guess / real).toBeGreaterThan(0.05);
    expect(guess / real).toBeLessThan(20);
  });

  it('that is worse is rolled back and not promoted', { timeout: 60_000 }, () => {
    const random = createRandom('bad');
    for (const canary of [
      { ...usual, errorRate: 0.15 },
      { ...usual, medianMs: 250 },
      { ...usual, badRate: 0.5 },
    ]) {
      for (let run = 0; run < 5; run += 1) expect(runCanary(random, settings, usual, canary, 60_000).end).toBe('harm');
    }
  });

  it('that errs more than is acceptable, though as seldom as the other, is told what it waits for', () => {
    const evidence = foldAll(
      repeat(30, [
        outcome('canary', 0.5, true),
        ...repeat(5, outcome('control', 0.5, false)),
        outcome('canary', 0.5, false),
      ]).flat(),
    );
    const { reason } = judge({ state: 'canary', stage: 0, ageMs: 1 }, evidence, {
      ...onlyStage(0.5),
      alpha: { errors: 1e-30, quality: 1e-30, slowness: 1e-30 },
    });
    expect(reason).toContain('which it will not give at the rates seen so far');
  });

  it('advances from a stage that is not the last with a first answer, after its time', () => {
    const stage = { state: 'canary', stage: 1, ageMs: 1000 } as const;
    const earlier = foldAll([outcome('canary', 0.1, false)]);
    expect(judge(stage, earlier, settings)).toEqual({ event: null, reason: 'answers 20%; needs a first answer' });
    const now = foldAll([outcome('canary', 0.2, false)], earlier);
    expect(judge(stage, now, settings)).toEqual({
      event: 'advance',
      reason: '1 answer at 20% and no sign that it is worse',
    });
    const patient = { ...settings, canary: { ...settings.canary, minMs: [0, 61_000, 0] } };
    expect(judge(stage, now, patient)).toEqual({ event: null, reason: 'answers 20%; needs 1 minute' });
  });

  it.each(['proposed', 'promoted', 'rolled_back', 'dismissed'] as const)('that is %s is not judged', (state) => {
    const evidence = foldAll(repeat(100, outcome('canary', 0.1, true)));
    expect(judge({ state, stage: 0, ageMs: 1e9 }, evidence, settings).event).toBeNull();
  });
});

describe('evidence as JSON', () => {
  it('comes back as it was, also with fields that only a later version knows', () => {
    const evidence = foldAll([
      outcome('canary', 0.1, true, 5),
      { kind: 'quality', arm: 'control', share: 0.1, bad: true },
    ]);
    expect(evidenceSchema.parse(JSON.parse(JSON.stringify(evidence)))).toEqual(evidence);
    const later = structuredClone(evidence) as Evidence & { tomorrow?: unknown };
    later.tomorrow = { version: 9 };
    later.version = 2;
    Object.assign(later.canary.strata[0]?.canary ?? {}, { tokens: 7 });
    const folded = foldAll([outcome('canary', 0.1, true)], evidenceSchema.parse(JSON.parse(JSON.stringify(later))));
    expect(folded).toMatchObject({
      tomorrow: { version: 9 },
      version: 2,
      canary: { strata: [{ canary: { tokens: 7, errors: 2 } }] },
    });
  });

  it('begins at nothing where nothing is stored', () => {
    expect(evidenceSchema.parse({})).toEqual(noEvidence);
    expect(evidenceSchema.safeParse({ canary: { strata: [{ share: 2 }] } }).success).toBe(false);
  });
});
