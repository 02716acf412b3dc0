import { z } from 'zod';
import { type ShadowPair, shadowPairSchema } from '../../contracts/rollout.ts';
import { newBet } from '../../statistics/betting.ts';

export const testNames = ['errors', 'quality', 'slowness'] as const;
export type TestName = (typeof testNames)[number];

const count = z.int().min(0).default(0);
const sum = z.number().default(0);

/** What is known of the requests of one arm. */
const armSchema = z.looseObject({
  requests: count,
  errors: count,
  /** Requests for which the model was not there; they are not among the others. */
  unavailable: count,
  /** Answers that were judged, and of these the bad ones. */
  judged: count,
  bad: count,
  /** Answers whose latency could be compared, and of these the slow ones. */
  timed: count,
  slow: count,
  /** Of the requests with a known cost, in US dollars. */
  priced: count,
  cost_usd: sum,
  /** Of the bad ones of each kind those that tests count: the first of each conversation. */
  counted: z.looseObject({ errors: count, quality: count, slowness: count }).prefault({}),
});

/** Bad things of pairs, by whose answer was bad. */
const sidesSchema = z.looseObject({ control: count, shadow: count, both: count });

const betSchema = z.looseObject({
  count: count.default(newBet.count),
  mean: z.number().default(newBet.mean),
  sumOfSquares: z.number().default(newBet.sumOfSquares),
  logCapital: z.number().default(newBet.logCapital),
});

const newest = z.array(z.number()).default([]);

/** The newest latencies of the control in milliseconds: to the first token of streams, and of whole answers. */
const latenciesSchema = z.looseObject({ stream: newest, whole: newest });

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
      /** Of these what tests count: the first of each conversation. */
      counted: z.looseObject({ errors: sidesSchema.prefault({}), slowness: sidesSchema.prefault({}) }).prefault({}),
      control_latencies_ms: latenciesSchema.prefault({}),
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
      /** Requests by the stage, and the share that the candidate had then. */
      strata: z
        .array(
          z.looseObject({
            stage: count,
            share: z.number().gt(0).lt(1),
            canary: armSchema.prefault({}),
            control: armSchema.prefault({}),
          }),
        )
        .default([]),
      control_latencies_ms: latenciesSchema.prefault({}),
    })
    .prefault({}),
});
export type Evidence = z.infer<typeof evidenceSchema>;
export type ArmEvidence = z.infer<typeof armSchema>;
export type SideCounts = z.infer<typeof sidesSchema>;
export type Latencies = z.infer<typeof latenciesSchema>;

export type StratumEvidence = Evidence['canary']['strata'][number];

export const noArm: ArmEvidence = armSchema.parse({});
export const noEvidence: Evidence = evidenceSchema.parse({});

/** Of an answer of one of the two arms. */
interface Answer {
  arm: 'canary' | 'control';
  /** Of the candidate in the traffic of both at that time, in (0, 1). */
  share: number;
  /** The conversation; where it is not known each bad event is one of its own. */
  unit?: string | null | undefined;
}

/** How long an answer took, in milliseconds: to the first token of a stream, or the whole. Null: not known. */
interface Timed {
  latencyMs: number | null;
  streamed: boolean | null;
}

/** One thing that was seen of a rollout. Costs are in US dollars. */
export type Observation =
  | (Answer & Timed & { kind: 'outcome'; bad: boolean; costUsd: number | null })
  | (Answer & { kind: 'quality'; bad: boolean })
  /** Whoever asked did not wait for the answer, of which nothing had come after so long. */
  | (Answer & Timed & { kind: 'left' })
  /** The model was not there: its provider had no room for the request, or the router left the model alone. */
  | (Answer & { kind: 'unavailable' })
  | { kind: 'pair'; pair: ShadowPair; unit?: string | null | undefined };

const unit = z.string().min(1).nullish();
const answerSchema = z.object({ arm: z.enum(['canary', 'control']), share: z.number().gt(0).lt(1), unit });
const timed = { latencyMs: z.number().min(0).nullable(), streamed: z.boolean().nullable() };
/** Of what a queue gives; what does not fit is no observation. */
export const observationSchema: z.ZodType<Observation> = z.discriminatedUnion('kind', [
  answerSchema.extend({
    kind: z.literal('outcome'),
    bad: z.boolean(),
    ...timed,
    costUsd: z.number().min(0).nullable(),
  }),
  answerSchema.extend({ kind: z.literal('quality'), bad: z.boolean() }),
  answerSchema.extend({ kind: z.literal('left'), ...timed }),
  answerSchema.extend({ kind: z.literal('unavailable') }),
  z.object({ kind: z.literal('pair'), pair: shadowPairSchema, unit }),
]);

/** The requests of all strata together, or of those of a stage and what came after it. */
export function armTotals(evidence: Evidence, arm: 'canary' | 'control', fromStage = 0): ArmEvidence {
  const total = { ...noArm, counted: { ...noArm.counted } };
  for (const stratum of strataFrom(evidence, fromStage)) {
    const part = stratum[arm];
    total.requests += part.requests;
    total.errors += part.errors;
    total.unavailable += part.unavailable;
    total.judged += part.judged;
    total.bad += part.bad;
    total.timed += part.timed;
    total.slow += part.slow;
    total.priced += part.priced;
    total.cost_usd += part.cost_usd;
    for (const name of testNames) total.counted[name] += part.counted[name];
  }
  return total;
}

/** What was seen in a stage of the canary, from 0, and in those after it. */
export function strataFrom({ canary }: Evidence, stage: number): StratumEvidence[] {
  return canary.strata.filter((stratum) => stratum.stage >= stage);
}
