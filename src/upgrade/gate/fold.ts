import type { RolloutState, ShadowPair } from '../../contracts/rollout.ts';
import { nextBet } from '../../statistics/betting.ts';
import {
  type ArmEvidence,
  type Evidence,
  type Latencies,
  noArm,
  type Observation,
  type SideCounts,
  type StratumEvidence,
  type TestName,
} from './evidence.ts';

type AnswerObservation = Exclude<Observation, { kind: 'pair' }>;

/** Where a rollout is when it is told of something. */
export interface Place {
  state: RolloutState;
  /** Of a canary, from 0, and the share of the candidate in it. */
  stage: number;
  share: number;
}

/** A conversation of which a test has counted something. */
export interface CountedUnit {
  test: TestName;
  unit: string;
}

/** Strata that one rollout ever has at the most; a share beyond them is not counted. */
const mostStrata = 64;
const rememberedLatencies = 200;
/** Latencies of the control, of the same kind of answer, before one can be called slow. */
const latenciesToCompare = 20;
const slowQuantile = 0.9;

/**
 * The evidence after one more observation, where tests count each conversation once: with what `isCounted` says was counted
 * of conversations before, and the conversations that are counted by this observation. Pure.
 *
 * A conversation stays with its model, its requests are tried again and look alike: one that fails often is no more evidence
 * than that one conversation fails. The first bad event of each is, for which arm it falls into was drawn by itself.
 */
export function foldOnce(
  evidence: Evidence,
  observation: Observation,
  place: Place,
  isCounted: (test: TestName, unit: string) => boolean,
): { evidence: Evidence; counted: CountedUnit[] } {
  const { unit } = observation;
  if (unit == null) return { evidence: fold(evidence, observation, place), counted: [] };
  const told = testsTold(evidence, observation, place);
  const repeated = told.filter((test) => isCounted(test, unit));
  return {
    evidence: fold(evidence, observation, place, repeated),
    counted: told.filter((test) => !repeated.includes(test)).map((test) => ({ test, unit })),
  };
}

/** The tests to which this observation is evidence, if nothing of its conversation was counted yet. */
function testsTold(evidence: Evidence, observation: Observation, { state }: Place): TestName[] {
  if (observation.kind === 'pair') {
    if (state !== 'shadow') return [];
    const { errors, slow } = badSides(evidence, observation.pair);
    return [
      ...(errors.control || errors.shadow ? (['errors'] as const) : []),
      // A judge compares, and says something of every pair.
      ...(observation.pair.scores == null ? [] : (['quality'] as const)),
      ...(slow !== null && (slow.control || slow.shadow) ? (['slowness'] as const) : []),
    ];
  }
  if (state !== 'canary') return [];
  if (observation.kind === 'quality') return observation.bad ? ['quality'] : [];
  if (observation.kind === 'unavailable') return [];
  return [
    ...(observation.kind === 'outcome' && observation.bad ? (['errors'] as const) : []),
    ...(isSlow(observation, evidence.canary.control_latencies_ms) === true ? (['slowness'] as const) : []),
  ];
}

/**
 * The evidence after one more observation, which tests in `repeated` do not count. Pure. Only what belongs to the state
 * counts: pairs while the candidate is compared, answers of the two arms while it is a canary; what comes late, of a state
 * before, changes nothing.
 */
export function fold(
  evidence: Evidence,
  observation: Observation,
  place: Place,
  repeated: readonly TestName[] = [],
): Evidence {
  if (observation.kind === 'pair') {
    return place.state === 'shadow' ? foldPair(evidence, observation.pair, repeated) : evidence;
  }
  return place.state === 'canary' ? foldAnswer(evidence, observation, place, repeated) : evidence;
}

interface Sides {
  control: boolean;
  shadow: boolean;
}

/** Whose answer was bad; slowness is null where it cannot be told. */
function badSides({ shadow }: Evidence, pair: ShadowPair): { errors: Sides; slow: Sides | null } {
  const isBad = (side: 'control' | 'shadow'): boolean =>
    [pair.error, pair.invalid].some((where) => where === side || where === 'both');
  const past = shadow.control_latencies_ms;
  const control = isSlow(controlTime(pair), past);
  const candidate = isSlow({ ...controlTime(pair), latencyMs: pair.shadow_ms ?? null }, past);
  return {
    errors: { control: isBad('control'), shadow: isBad('shadow') },
    slow: control === null || candidate === null ? null : { control, shadow: candidate },
  };
}

function controlTime({ control_ms: latencyMs, streamed }: ShadowPair): Time {
  return { latencyMs: latencyMs ?? null, streamed: streamed ?? null };
}

function foldPair(evidence: Evidence, pair: ShadowPair, repeated: readonly TestName[]): Evidence {
  const { shadow } = evidence;
  const { control_cost_usd: controlCost, shadow_cost_usd: shadowCost } = pair;
  const { errors, slow } = badSides(evidence, pair);
  const { counted } = shadow;
  const next = {
    ...shadow,
    pairs: shadow.pairs + 1,
    errors: addSides(shadow.errors, errors),
    control_latencies_ms: remember(shadow.control_latencies_ms, controlTime(pair)),
    counted: {
      ...counted,
      errors: repeated.includes('errors') ? counted.errors : addSides(counted.errors, errors),
      slowness: slow === null || repeated.includes('slowness') ? counted.slowness : addSides(counted.slowness, slow),
    },
  };
  if (slow !== null) {
    next.timed += 1;
    next.slow = addSides(shadow.slow, slow);
  }
  if (controlCost != null && shadowCost != null) {
    next.priced += 1;
    next.control_cost_usd += controlCost;
    next.shadow_cost_usd += shadowCost;
  }
  if (pair.scores != null) {
    const { control, shadow: candidate } = pair.scores;
    next.judged += 1;
    next.control_score += control;
    next.shadow_score += candidate;
    // (candidate − control + 1) / 2 has a mean of ½ or more where it is no worse; so its mirror has one of ½ or less.
    if (!repeated.includes('quality')) {
      next.worse = { ...shadow.worse, ...nextBet(shadow.worse, (control - candidate + 1) / 2, 0.5) };
    }
  }
  return { ...evidence, shadow: next };
}

function addSides(sides: SideCounts, { control, shadow }: Sides): SideCounts {
  if (control && shadow) return { ...sides, both: sides.both + 1 };
  if (control) return { ...sides, control: sides.control + 1 };
  return shadow ? { ...sides, shadow: sides.shadow + 1 } : sides;
}

function foldAnswer(
  evidence: Evidence,
  observation: AnswerObservation,
  place: Place,
  repeated: readonly TestName[],
): Evidence {
  const { canary } = evidence;
  const past = canary.control_latencies_ms;
  const { arm, share } = observation;
  const stage = stageOf(canary.strata, share, place);
  const index = canary.strata.findIndex((stratum) => stratum.share === share && stratum.stage === stage);
  if (index < 0 && canary.strata.length >= mostStrata) return evidence;
  const stratum = canary.strata[index] ?? { stage, share, canary: noArm, control: noArm };
  const changed = { ...stratum, [arm]: addToArm(stratum[arm], observation, past, repeated) };
  const strata = index < 0 ? [...canary.strata, changed] : canary.strata.with(index, changed);
  const isOfPast = observation.kind === 'outcome' && arm === 'control';
  const latencies = isOfPast ? remember(past, observation) : past;
  return { ...evidence, canary: { ...canary, strata, control_latencies_ms: latencies } };
}

/** An answer that comes late, from another share than that of now, belongs to the stage that had its share last. */
function stageOf(strata: readonly StratumEvidence[], share: number, place: Place): number {
  if (share === place.share) return place.stage;
  const stages = strata.filter((stratum) => stratum.share === share).map(({ stage }) => stage);
  return stages.length === 0 ? place.stage : Math.max(...stages);
}

function addToArm(
  arm: ArmEvidence,
  observation: AnswerObservation,
  past: Latencies,
  repeated: readonly TestName[],
): ArmEvidence {
  const next = { ...arm, counted: { ...arm.counted } };
  const count = (test: TestName): void => {
    if (!repeated.includes(test)) next.counted[test] += 1;
  };
  if (observation.kind === 'quality') {
    next.judged += 1;
    if (observation.bad) {
      next.bad += 1;
      count('quality');
    }
    return next;
  }
  if (observation.kind === 'unavailable') {
    next.unavailable += 1;
    return next;
  }
  const slow = isSlow(observation, past);
  if (slow !== null && (slow || observation.kind === 'outcome')) next.timed += 1;
  if (slow === true) {
    next.slow += 1;
    count('slowness');
  }
  if (observation.kind === 'left') return next;
  next.requests += 1;
  if (observation.bad) {
    next.errors += 1;
    count('errors');
  }
  if (observation.costUsd !== null) {
    next.priced += 1;
    next.cost_usd += observation.costUsd;
  }
  return next;
}

/** The two kinds of answers take times of their own: one is never slow beside the other. */
interface Time {
  latencyMs: number | null;
  streamed: boolean | null;
}

function kindOf(streamed: boolean): 'stream' | 'whole' {
  return streamed ? 'stream' : 'whole';
}

function remember(past: Latencies, { latencyMs, streamed }: Time): Latencies {
  if (latencyMs === null || streamed === null) return past;
  const kind = kindOf(streamed);
  return { ...past, [kind]: [...past[kind].slice(-(rememberedLatencies - 1)), latencyMs] };
}

/**
 * Whether it is longer than nine in ten of the control's past latencies of the same kind of answer: than as many of them as
 * make up that share, so that nothing has to be sorted. Null while too few are known, or where it has none.
 */
function isSlow({ latencyMs, streamed }: Time, latencies: Latencies): boolean | null {
  if (latencyMs === null || streamed === null) return null;
  const past = latencies[kindOf(streamed)];
  if (past.length < latenciesToCompare) return null;
  const shorter = past.reduce((found, pastMs) => found + (pastMs < latencyMs ? 1 : 0), 0);
  return shorter >= Math.ceil(slowQuantile * past.length);
}
