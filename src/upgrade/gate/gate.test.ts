import { describe, expect, it } from 'vitest';
import { createRandom, type Random } from '../../statistics/random.ts';
import { requestsNeeded } from './estimate.ts';
import { type Evidence, evidenceSchema, noEvidence, type Observation, testNames, type TestName } from './evidence.ts';
import { fold, foldOnce, type Place } from './fold.ts';
import { decide, judge } from './gate.ts';
import { type GateSettings, isRequired, isSafe, logHarm, logSafety } from './tests.ts';

const settings: GateSettings = {
  shadow: { minMs: 0, minPairs: 100 },
  canary: {
    shares: [0.1, 0.2, 0.5],
    minMs: [0, 0, 0],
    minAnswers: 50,
    minJudged: 50,
    margin: 0.5,
    acceptable: { errors: 0.02, quality: 0.1, slowness: null },
  },
  alpha: { errors: 0.03, quality: 0.01, slowness: 0.01 },
  beta: 0.05,
};
const onlyStage = (share: number): GateSettings => ({
  ...settings,
  canary: { ...settings.canary, shares: [share], minMs: [0] },
});

const outcome = (
  arm: 'canary' | 'control',
  share: number,
  bad: boolean,
  latencyMs: number | null = null,
  streamed = true,
) => ({ kind: 'outcome', arm, share, bad, latencyMs, streamed, costUsd: null }) satisfies Observation;
const shadowPlace: Place = { state: 'shadow', stage: 0, share: 0.02 };
const canaryPlace = (stage: number): Place => ({ state: 'canary', stage, share: settings.canary.shares[stage] ?? 0 });
const foldAll = (observations: readonly Observation[], from = noEvidence, stage = 0): Evidence =>
  observations.reduce((evidence, observation) => fold(evidence, observation, canaryPlace(stage)), from);
const repeat = <T>(times: number, value: T): T[] => Array.from({ length: times }, () => value);

interface Behaviour {
  errorRate: number;
  /** Median of the time to the first token in milliseconds; the 95th percentile is four times as long. */
  medianMs: number | null;
  /** Share of whole answers, whose times are ten times as long; the others are streams. */
  wholeShare?: number;
  /** Share of bad among judged answers, of which there are a tenth of all. */
  badRate: number | null;
}
const usual = { errorRate: 0.05, medianMs: 100, badRate: 0.1 } satisfies Behaviour;
const onlyErrors: Behaviour = { errorRate: 0.05, medianMs: null, badRate: null };

/** Observations of random requests, as they come: outcomes, and of a tenth of them a judgement too. */
function* traffic(random: Random, share: number, control: Behaviour, canary: Behaviour): Generator<Observation> {
  for (;;) {
    const arm = random.chance(share) ? 'canary' : 'control';
    const { errorRate, medianMs, wholeShare = 0, badRate } = arm === 'canary' ? canary : control;
    const bad = random.chance(errorRate);
    const isWhole = wholeShare > 0 && random.chance(wholeShare);
    const typicalMs = (medianMs ?? 0) * (isWhole ? 10 : 1);
    const latencyMs = bad || medianMs === null ? null : random.logNormal(typicalMs, 4 * typicalMs);
    yield outcome(arm, share, bad, latencyMs, !isWhole);
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
      evidence = fold(evidence, observation, { state: 'canary', stage, share: given.canary.shares[stage] ?? 0 });
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
    expect(logHarm(evidence, 'errors', onlyStage(0.1))).toBeCloseTo(expected, 6);
    expect(logHarm(evidence, 'quality', onlyStage(0.1))).toBe(0);
    expect(logHarm(evidence, 'slowness', onlyStage(0.1))).toBe(0);
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
    expect(logHarm(foldAll([...first, ...second]), 'errors', onlyStage(0.1))).not.toBeCloseTo(
      logHarm(foldAll([...first, ...second].map((seen) => ({ ...seen, share: 0.1 }))), 'errors', onlyStage(0.1)),
      3,
    );
  });

  it('costs a canary at most ln 2 for pairs that showed no harm, and takes over what they showed', () => {
    const pairs = (error: 'control' | 'shadow', times: number) =>
      repeat<Observation>(times, { kind: 'pair', pair: { error, invalid: 'neither' } }).reduce(
        (evidence, pair) => fold(evidence, pair, shadowPlace),
        noEvidence,
      );
    const bad = [...repeat(12, outcome('canary', 0.1, true)), ...repeat(28, outcome('control', 0.1, true))];
    const alone = logHarm(foldAll(bad), 'errors', onlyStage(0.1));
    expect(logHarm(foldAll(bad, pairs('control', 100)), 'errors', onlyStage(0.1))).toBeCloseTo(alone - Math.log(2), 3);
    const suspicious = pairs('shadow', 5);
    expect(logHarm(foldAll(bad, suspicious), 'errors', onlyStage(0.1))).toBeGreaterThan(alone + 1);
  });

  it('takes only what belongs to its state', () => {
    const pair: Observation = { kind: 'pair', pair: { error: 'shadow', invalid: 'neither' } };
    expect(fold(noEvidence, pair, canaryPlace(0))).toBe(noEvidence);
    expect(fold(noEvidence, outcome('canary', 0.1, true), shadowPlace)).toBe(noEvidence);
  });
});

describe('pairs', () => {
  const foldPairs = (pairs: ReadonlyArray<Extract<Observation, { kind: 'pair' }>['pair']>): Evidence =>
    pairs.reduce((evidence, pair) => fold(evidence, { kind: 'pair', pair }, shadowPlace), noEvidence);
  const shadow = { state: 'shadow', stage: 0, ageMs: 1 } as const;

  it('count what failed or was not valid once, and slowness against the control’s past', () => {
    const warmUp = Array.from({ length: 20 }, (_, index) => ({
      error: 'neither' as const,
      invalid: 'neither' as const,
      streamed: true,
      control_ms: index + 1,
      shadow_ms: 1,
    }));
    const evidence = foldPairs([
      ...warmUp,
      { error: 'shadow', invalid: 'neither', streamed: true, control_ms: 16, shadow_ms: null },
      { error: 'neither', invalid: 'shadow', streamed: true, control_ms: 12, shadow_ms: 20 },
      // Of whole answers none is known yet, and of an older router’s pair not what its times are.
      { error: 'neither', invalid: 'neither', streamed: false, control_ms: 30, shadow_ms: 4900 },
      { error: 'neither', invalid: 'neither', control_ms: 30, shadow_ms: 4900 },
      { error: 'both', invalid: 'neither' },
      { error: 'control', invalid: 'shadow' },
    ]);
    expect(evidence.shadow).toMatchObject({
      pairs: 26,
      errors: { shadow: 2, control: 0, both: 2 },
      timed: 1,
      slow: { shadow: 1, control: 0, both: 0 },
    });
    expect(evidence.shadow.control_latencies_ms.stream).toHaveLength(22);
    expect(evidence.shadow.control_latencies_ms.whole).toEqual([30]);
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
        evidence = fold(
          evidence,
          { kind: 'pair', pair: { error: 'neither', invalid: 'neither', scores } },
          shadowPlace,
        );
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
  /**
   * Outcomes in the first stage until one of these tests sees harm; asked when one has counted something, else it is as
   * before.
   */
  function requestsToHarm(
    random: Random,
    names: readonly TestName[],
    given: GateSettings,
    { control, canary, mostRequests }: { control: Behaviour; canary: Behaviour; mostRequests: number },
  ): number {
    const countedIn = ({ canary: { strata } }: Evidence): number =>
      names.reduce((sum, name) => {
        const [stratum] = strata;
        return sum + (stratum?.canary.counted[name] ?? 0) + (stratum?.control.counted[name] ?? 0);
      }, 0);
    let evidence = noEvidence;
    let requests = 0;
    let counted = 0;
    for (const observation of traffic(random, 0.1, control, canary)) {
      if (observation.kind === 'outcome') requests += 1;
      if (requests > mostRequests) break;
      // A success of which nothing is timed is nothing to a test.
      if (observation.kind === 'outcome' && !observation.bad && observation.latencyMs === null) continue;
      evidence = fold(evidence, observation, canaryPlace(0));
      const now = countedIn(evidence);
      const isHarm = (name: TestName): boolean => logHarm(evidence, name, given) >= Math.log(1 / given.alpha[name]);
      if (now > counted && names.some(isHarm)) return requests;
      counted = now;
    }
    return Infinity;
  }

  it(
    'that is no worse is rolled back as rarely as promised, with all tests watched at every event',
    { timeout: 120_000 },
    () => {
      const random = createRandom('null canaries');
      const given = { control: usual, canary: usual, mostRequests: 1500 };
      const ends = Array.from({ length: 1000 }, () => requestsToHarm(random, testNames, onlyStage(0.1), given));
      expect(ends.filter(Number.isFinite).length / 1000).toBeLessThanOrEqual(0.05);
    },
  );

  const onlyLatency = { ...usual, errorRate: 0, badRate: null };
  const mixed = { ...onlyLatency, wholeShare: 0.1 };

  // So many runs that it is not the seed that decides.
  it.each([
    ['fails twice as often', onlyErrors, { ...onlyErrors, errorRate: 0.1 }, 'errors', 2500, 4001],
    ['fails five times as often', onlyErrors, { ...onlyErrors, errorRate: 0.25 }, 'errors', 300, 2001],
    ['is slower by half', onlyLatency, { ...onlyLatency, medianMs: 150 }, 'slowness', 1500, 501],
    ['is slower by half, in streams and whole answers', mixed, { ...mixed, medianMs: 150 }, 'slowness', 1800, 201],
  ] as const)('that %s is found in time', { timeout: 120_000 }, (_, control, canary, name, goal, runs) => {
    const random = createRandom('detection');
    const median = medianOf(runs, () =>
      requestsToHarm(random, [name], settings, { control, canary, mostRequests: 50_000 }),
    );
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

  it('advances from a stage with answers enough in it, whatever was answered before', () => {
    const stage = { state: 'canary', stage: 1, ageMs: 1000 } as const;
    const earlier = foldAll(repeat(80, outcome('canary', 0.1, false)));
    expect(judge(stage, earlier, settings)).toEqual({
      event: null,
      reason: 'answers 20%; needs 50 more answers of 50',
    });
    // Late answers of the stage before are of that stage.
    const late = foldAll([outcome('canary', 0.1, false), ...repeat(49, outcome('canary', 0.2, false))], earlier, 1);
    expect(judge(stage, late, settings).reason).toBe('answers 20%; needs 1 more answer of 50');
    const now = foldAll([outcome('canary', 0.2, false)], late, 1);
    expect(judge(stage, now, settings)).toEqual({
      event: 'advance',
      reason: '50 answers at 20% and no sign that it is worse',
    });
    const patient = { ...settings, canary: { ...settings.canary, minMs: [0, 61_000, 0] } };
    expect(judge(stage, now, patient)).toEqual({ event: null, reason: 'answers 20%; needs 1 minute' });
  });

  it('waits where it was not there for its requests, unless the other was not either', () => {
    const at = { state: 'canary', stage: 0, ageMs: 1 } as const;
    const away = (arm: 'canary' | 'control'): Observation => ({ kind: 'unavailable', arm, share: 0.1 });
    const good = foldAll(repeat(1000, [outcome('canary', 0.1, false), outcome('control', 0.1, false)]).flat());
    expect(judge(at, good, settings).event).toBe('advance');
    // Hundreds of them are one incident, and no evidence of harm: the candidate is neither sent back nor given more.
    const limited = foldAll(repeat(200, away('canary')), good);
    expect(judge(at, limited, settings)).toEqual({
      event: null,
      reason: 'answers 10%; needs room for its requests (unavailable: 200 of 1,200 (17%) against 0 of 1,000 (0%))',
    });
    for (const name of testNames) expect(logHarm(limited, name, settings)).toBe(logHarm(good, name, settings));
    expect(judge(at, foldAll(repeat(150, away('control')), limited), settings).event).toBe('advance');
    expect(judge(at, foldAll(repeat(20, away('canary')), good), settings).event).toBe('advance');
  });

  it('is safe by what its last stage shows alone', () => {
    const good = [outcome('canary', 0.1, false), ...repeat(9, outcome('control', 0.1, true))];
    const earlier = foldAll(repeat(50, good).flat());
    expect(logSafety(earlier, 'errors', settings)).toBe(0);
    expect(isSafe(foldAll(repeat(2000, outcome('canary', 0.1, false))), 'errors', settings)).toBe(false);
    expect(isSafe(foldAll(repeat(2000, outcome('canary', 0.5, false)), earlier, 2), 'errors', settings)).toBe(true);
  });

  it('waits for quality when enough was judged, and needs no comparison where its own is good enough', () => {
    const judged = (count: number): Evidence =>
      foldAll(repeat(count, { kind: 'quality', arm: 'canary', share: 0.5, bad: false } as const), noEvidence, 2);
    expect(isRequired(judged(49), 'quality', settings)).toBe(false);
    expect(isRequired(judged(50), 'quality', settings)).toBe(true);
    expect(isSafe(judged(50), 'quality', settings)).toBe(false);
    const needed = requestsNeeded(judged(50), 'quality', settings);
    expect(needed).toBeGreaterThan(10);
    expect(isSafe(judged(200), 'quality', settings)).toBe(true);
  });

  it('that was left waiting longer than the other nearly ever takes is slow; else nothing is known', () => {
    const warm = foldAll(Array.from({ length: 100 }, (_, ms) => outcome('control', 0.1, false, ms)));
    const left = (latencyMs: number, streamed = true): Observation => ({
      kind: 'left',
      arm: 'canary',
      share: 0.1,
      latencyMs,
      streamed,
    });
    const [before] = foldAll([outcome('canary', 0.1, false)], warm).canary.strata;
    expect(foldAll([outcome('canary', 0.1, false), left(50)], warm).canary.strata[0]).toEqual(before);
    expect(foldAll([outcome('canary', 0.1, false), left(500, false)], warm).canary.strata[0]).toEqual(before);
    const slow = foldAll([left(50), left(95)], warm);
    expect(slow.canary.strata[0]?.canary).toMatchObject({ requests: 0, errors: 0, timed: 1, slow: 1 });
    expect(slow.canary.control_latencies_ms).toEqual(warm.canary.control_latencies_ms);
    expect(foldAll([left(95)]).canary.strata[0]?.canary).toMatchObject({ timed: 0, slow: 0 });
  });

  it.each(['proposed', 'promoted', 'rolled_back', 'dismissed'] as const)('that is %s is not judged', (state) => {
    const evidence = foldAll(repeat(100, outcome('canary', 0.1, true)));
    expect(judge({ state, stage: 0, ageMs: 1e9 }, evidence, settings).event).toBeNull();
  });
});

/** Remembers what tests have counted of each conversation, as the store does. */
function createCounting(): (evidence: Evidence, observation: Observation, place: Place) => Evidence {
  const known = new Set<string>();
  return (evidence, observation, place) => {
    const folded = foldOnce(evidence, observation, place, (test, unit) => known.has(`${test} ${unit}`));
    for (const { test, unit } of folded.counted) known.add(`${test} ${unit}`);
    return folded.evidence;
  };
}

describe('conversations', () => {
  it('are counted once by each test, and their requests as often as they come', () => {
    const count = createCounting();
    const bad = (unit: string | null): Observation => ({ ...outcome('canary', 0.1, true), unit });
    const judged: Observation = { kind: 'quality', arm: 'canary', share: 0.1, bad: true, unit: 'a' };
    const evidence = [bad('a'), bad('a'), bad('b'), bad(null), bad(null), judged, judged].reduce(
      (before, observation) => count(before, observation, canaryPlace(0)),
      noEvidence,
    );
    expect(evidence.canary.strata[0]?.canary).toMatchObject({
      requests: 5,
      errors: 5,
      bad: 2,
      counted: { errors: 4, quality: 1, slowness: 0 },
    });
  });

  it('are counted once in pairs too, and not again as answers', () => {
    const count = createCounting();
    const scores = { control: 0.9, shadow: 0.1 };
    const pair: Observation = { kind: 'pair', pair: { error: 'shadow', invalid: 'neither', scores }, unit: 'a' };
    const compared = [pair, pair, { ...pair, unit: 'b' }].reduce(
      (before, observation) => count(before, observation, shadowPlace),
      noEvidence,
    );
    expect(compared.shadow).toMatchObject({
      pairs: 3,
      errors: { shadow: 3 },
      judged: 3,
      worse: { count: 2 },
      counted: { errors: { shadow: 2 } },
    });
    const answered = count(compared, { ...outcome('canary', 0.1, true), unit: 'a' }, canaryPlace(0));
    expect(answered.canary.strata[0]?.canary).toMatchObject({ errors: 1, counted: { errors: 0 } });
  });

  /** Whether a candidate that is as good is rolled back by the errors of conversations of ten requests each. */
  function isRolledBack(random: Random, tries: number, isUnitKnown: boolean): boolean {
    const count = createCounting();
    const given = { ...settings, alpha: { errors: settings.alpha.errors, quality: 1e-9, slowness: 1e-9 } };
    let evidence = noEvidence;
    for (let stage = 0; stage < 3; stage += 1) {
      const place = canaryPlace(stage);
      for (let index = 0; index < 200; index += 1) {
        const arm = random.chance(place.share) ? 'canary' : 'control';
        const unit = isUnitKnown ? `${stage} ${index}` : null;
        const failureRate = random.chance(0.1) ? 0.5 : 0;
        for (let request = 0; request < 10; request += 1) {
          // A success is nothing to a test.
          if (!random.chance(failureRate)) continue;
          for (let attempt = 0; attempt < tries; attempt += 1) {
            evidence = count(evidence, { ...outcome(arm, place.share, true), unit }, place);
            if (decide({ state: 'canary', stage, ageMs: 0 }, evidence, given)?.event === 'harm') return true;
          }
        }
      }
    }
    return false;
  }

  it.each([
    ['ten requests of which some fail by half', 1],
    ['the same, and each failure tried twice more', 3],
  ])('of %s make no false alarm that requests by themselves would', { timeout: 120_000 }, (_, tries) => {
    const random = createRandom(`clusters ${tries}`);
    const shareOf = (runs: number, isUnitKnown: boolean): number =>
      Array.from({ length: runs }, () => isRolledBack(random, tries, isUnitKnown)).filter(Boolean).length / runs;
    expect(shareOf(500, true)).toBeLessThanOrEqual(settings.alpha.errors);
    // What happens where conversations are not known: the simulation does find the fault that it is there for.
    expect(shareOf(60, false)).toBeGreaterThan(3 * settings.alpha.errors);
  });
});

describe('a long good history', () => {
  it('hides little of what goes wrong in the last stage', { timeout: 60_000 }, () => {
    const random = createRandom('history');
    const share = 0.5;
    // 17,200 bad events, as they fall where both models fail alike.
    const history = { canary: 2600, control: 14_600 };
    const stratum = (stage: number, part: number, [canary, control]: [number, number]) => ({
      stage,
      share: part,
      canary: { counted: { errors: canary } },
      control: { counted: { errors: control } },
    });
    const old = evidenceSchema.parse({
      canary: {
        strata: [stratum(0, 0.1, [860, 7740]), stratum(1, 0.2, [history.canary - 860, history.control - 7740])],
      },
    });
    const eventsToHarm = (from: Evidence): number => {
      let evidence = from;
      for (let events = 1; events < 50_000; events += 1) {
        const arm = random.chance(2 / 3) ? 'canary' : 'control';
        evidence = fold(evidence, outcome(arm, share, true), canaryPlace(2));
        if (decide({ state: 'canary', stage: 2, ageMs: 0 }, evidence, settings)?.event === 'harm') return events;
      }
      return Infinity;
    };
    const [without, withHistory] = [noEvidence, old].map((from) => medianOf(201, () => eventsToHarm(from)));
    expect((withHistory ?? Infinity) / (without ?? 0)).toBeLessThan(3);
    const found = judge(
      { state: 'canary', stage: 2, ageMs: 0 },
      foldAll(repeat(40, outcome('canary', 0.5, true)), old, 2),
      settings,
    );
    expect(found.reason).toContain('errors: 40 of 40 (100%) against 0 of 0 (-) since 50%');
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
