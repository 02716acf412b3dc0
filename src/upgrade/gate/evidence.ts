import { z } from 'zod';
import { type RolloutState, type ShadowPair, shadowPairSchema } from '../../contracts/rollout.ts';
import { newBet, nextBet } from '../../statistics/betting.ts';

const count = z.int().min(0).default(0);
const sum = z.number().default(0);

/** What is known of the requests of one arm. */
const armSchema = z.looseObject({
  requests: count,
  errors: count,
  /** Answers that were judged, and of these the bad ones. */
  judged: count,
  bad: count,
  /** Answers whose latency could be compared, and of these the slow ones. */
  timed: count,
  slow: count,
  /** Of the requests with a known cost, in US dollars. */
  priced: count,
  cost_usd: sum,
});

/** Bad things of pairs, by whose answer was bad. */
const sidesSchema = z.looseObject({ control: count, shadow: count, both: count });

const betSchema = z.looseObject({
  count: count.default(newBet.count),
  mean: z.number().default(newBet.mean),
  sumOfSquares: z.number().default(newBet.sumOfSquares),
  logCapital: z.number().default(newBet.logCapital),
});

const latencies = z.array(z.number()).default([]);

/**
 * All that the tests of a rollout follow from, as it is kept in `rollouts.evidence`. Fields that a later version has added
 * are kept; those that an older one has not written begin at nothing.
 */
export const evidenceSchema = z.looseObject({
  version: z.int().min(1).default(1),
  shadow: z
    .looseObject({
      pairs: count,
      /** Failed, or not valid. */
      errors: sidesSchema.prefault({}),
      timed: count,
      slow: sidesSchema.prefault({}),
      /** The newest latencies of the control, in milliseconds. */
      control_ms: latencies,
      judged: count,
      control_score: sum,
      shadow_score: sum,
      /** Against the claim that the candidate's scores are no lower. */
      worse: betSchema.prefault({}),
      priced: count,
      control_cost_usd: sum,
      shadow_cost_usd: sum,
    })
    .prefault({}),
  canary: z
    .looseObject({
      /** Requests by the share that the candidate had then. */
      strata: z
        .array(
          z.looseObject({
            share: z.number().gt(0).lt(1),
            canary: armSchema.prefault({}),
            control: armSchema.prefault({}),
          }),
        )
        .default([]),
      control_ms: latencies,
    })
    .prefault({}),
});
export type Evidence = z.infer<typeof evidenceSchema>;
export type ArmEvidence = z.infer<typeof armSchema>;
export type SideCounts = z.infer<typeof sidesSchema>;

export const noEvidence: Evidence = evidenceSchema.parse({});

/** One thing that was seen of a rollout. Latencies are in milliseconds, costs in US dollars. */
export type Observation =
  | {
      kind: 'outcome';
      arm: 'canary' | 'control';
      share: number;
      bad: boolean;
      latencyMs: number | null;
      costUsd: number | null;
    }
  | { kind: 'quality'; arm: 'canary' | 'control'; share: number; bad: boolean }
  | { kind: 'pair'; pair: ShadowPair };

const outcomeSchema = z.object({
  kind: z.literal('outcome'),
  arm: z.enum(['canary', 'control']),
  share: z.number().gt(0).lt(1),
  bad: z.boolean(),
  latencyMs: z.number().min(0).nullable(),
  costUsd: z.number().min(0).nullable(),
});
/** Of what a queue gives; what does not fit is no observation. */
export const observationSchema: z.ZodType<Observation> = z.discriminatedUnion('kind', [
  outcomeSchema,
  outcomeSchema.omit({ latencyMs: true, costUsd: true }).extend({ kind: z.literal('quality') }),
  z.object({ kind: z.literal('pair'), pair: shadowPairSchema }),
]);

/** Shares that one rollout ever has at the most; a share beyond them is not counted. */
const mostStrata = 64;
const rememberedLatencies = 200;
/** Latencies of the control before one can be called slow. */
const latenciesToCompare = 50;
const slowQuantile = 0.9;

/**
 * The evidence after one more observation. Pure. Only what belongs to the state counts: pairs while the candidate is
 * compared, answers of the two arms while it is a canary; what comes late, of a state before, changes nothing.
 */
export function fold(evidence: Evidence, observation: Observation, state: RolloutState): Evidence {
  if (observation.kind === 'pair') return state === 'shadow' ? foldPair(evidence, observation.pair) : evidence;
  return state === 'canary' ? foldAnswer(evidence, observation) : evidence;
}

function foldPair(evidence: Evidence, pair: ShadowPair): Evidence {
  const { shadow } = evidence;
  const {
    control_ms: controlMs,
    shadow_ms: shadowMs,
    control_cost_usd: controlCost,
    shadow_cost_usd: shadowCost,
  } = pair;
  const isBad = (side: 'control' | 'shadow'): boolean =>
    [pair.error, pair.invalid].some((where) => where === side || where === 'both');
  const next = {
    ...shadow,
    pairs: shadow.pairs + 1,
    errors: addSides(shadow.errors, isBad('control'), isBad('shadow')),
  };
  if (controlMs != null) {
    const isControlSlow = isSlow(controlMs, shadow.control_ms);
    if (isControlSlow !== null && shadowMs != null) {
      next.timed += 1;
      next.slow = addSides(shadow.slow, isControlSlow, isSlow(shadowMs, shadow.control_ms) === true);
    }
    next.control_ms = remember(shadow.control_ms, controlMs);
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
    next.worse = { ...shadow.worse, ...nextBet(shadow.worse, (control - candidate + 1) / 2, 0.5) };
  }
  return { ...evidence, shadow: next };
}

function addSides(sides: SideCounts, control: boolean, shadow: boolean): SideCounts {
  if (control && shadow) return { ...sides, both: sides.both + 1 };
  if (control) return { ...sides, control: sides.control + 1 };
  return shadow ? { ...sides, shadow: sides.shadow + 1 } : sides;
}

function foldAnswer(evidence: Evidence, observation: Exclude<Observation, { kind: 'pair' }>): Evidence {
  const { canary } = evidence;
  const { arm, share } = observation;
  const index = canary.strata.findIndex((stratum) => stratum.share === share);
  if (index < 0 && canary.strata.length >= mostStrata) return evidence;
  const stratum = canary.strata[index] ?? { share, canary: noArm, control: noArm };
  const changed = { ...stratum, [arm]: addToArm(stratum[arm], observation, canary.control_ms) };
  const strata = index < 0 ? [...canary.strata, changed] : canary.strata.with(index, changed);
  const latencyMs = observation.kind === 'outcome' && arm === 'control' ? observation.latencyMs : null;
  const controlMs = latencyMs === null ? canary.control_ms : remember(canary.control_ms, latencyMs);
  return { ...evidence, canary: { ...canary, strata, control_ms: controlMs } };
}

const noArm: ArmEvidence = armSchema.parse({});

function addToArm(
  arm: ArmEvidence,
  observation: Exclude<Observation, { kind: 'pair' }>,
  controlMs: readonly number[],
): ArmEvidence {
  const { bad } = observation;
  if (observation.kind === 'quality') return { ...arm, judged: arm.judged + 1, bad: arm.bad + (bad ? 1 : 0) };
  const next = { ...arm, requests: arm.requests + 1, errors: arm.errors + (bad ? 1 : 0) };
  const { latencyMs, costUsd } = observation;
  const slow = latencyMs === null ? null : isSlow(latencyMs, controlMs);
  if (slow !== null) {
    next.timed += 1;
    next.slow += slow ? 1 : 0;
  }
  if (costUsd !== null) {
    next.priced += 1;
    next.cost_usd += costUsd;
  }
  return next;
}

function remember(past: readonly number[], latencyMs: number): number[] {
  return [...past.slice(-(rememberedLatencies - 1)), latencyMs];
}

/**
 * Whether it is longer than nine in ten of the control's past latencies: than as many of them as make up that share, so that
 * nothing has to be sorted. Null while too few are known.
 */
function isSlow(latencyMs: number, past: readonly number[]): boolean | null {
  if (past.length < latenciesToCompare) return null;
  const shorter = past.reduce((found, pastMs) => found + (pastMs < latencyMs ? 1 : 0), 0);
  return shorter >= Math.ceil(slowQuantile * past.length);
}

/** The requests of all strata together. */
export function armTotals(evidence: Evidence, arm: 'canary' | 'control'): ArmEvidence {
  const total = { ...noArm };
  for (const stratum of evidence.canary.strata) {
    const part = stratum[arm];
    total.requests += part.requests;
    total.errors += part.errors;
    total.judged += part.judged;
    total.bad += part.bad;
    total.timed += part.timed;
    total.slow += part.slow;
    total.priced += part.priced;
    total.cost_usd += part.cost_usd;
  }
  return total;
}
