import { z } from 'zod';

/** How a race is decided: by the first valid content, by the best answer of all, or by what most of them say. */
export const raceStrategySchema = z.enum(['first', 'best', 'consensus']);
export type RaceStrategy = z.infer<typeof raceStrategySchema>;

/** How a lane ended. `cancelled`: it was stopped, or never needed; `invalid`: what it answered is no answer. */
export const laneStatusSchema = z.enum(['won', 'lost', 'cancelled', 'error', 'invalid']);
export type LaneStatus = z.infer<typeof laneStatusSchema>;

/** How the whole race ended. `no_answer`: no lane gave a valid one in time. */
export const raceOutcomeSchema = z.enum(['decided', 'no_consensus', 'no_answer']);
export type RaceOutcome = z.infer<typeof raceOutcomeSchema>;

/** Most lanes of a race that any configuration allows. */
export const mostLanes = 16;

const milliseconds = z.number().min(0).max(86_400_000);
const share = z.number().min(0).max(1);

/** What a race came to, as one of its lanes is told; said once, when the race is decided and the lane has ended. */
export const raceVerdictSchema = z.object({
  status: laneStatusSchema,
  /** Of the lanes that gave a valid answer, the first to do so. */
  finished_first: z.boolean(),
  /** In [0, 1]: how likely the answer is right, in the eyes of whatever decided; null where nothing says. */
  confidence: share.nullish(),
  /** Why the lane ended as it did; never a text of a provider or of an answer. */
  reason: z.string().max(200).nullish(),
  /** From the start of the lane to its answer (of `first`: to the first content) or end; null where it never ran. */
  latency_ms: milliseconds.nullish(),
  race_outcome: raceOutcomeSchema,
  race_reason: z.string().max(500),
  race_ms: milliseconds,
  /** Weight of the winning answer as a share of all valid ones, and its lead over the next; of `consensus` only. */
  agreement: share.nullish(),
  margin: z.number().min(0).max(1000).nullish(),
});
export type RaceVerdict = z.infer<typeof raceVerdictSchema>;

/** Of which race a decision is a lane; on every event of the decision. */
export const raceLaneSchema = z.object({
  race_id: z.uuid(),
  strategy: raceStrategySchema,
  /** Counted from 0. */
  lane: z
    .int()
    .min(0)
    .max(mostLanes - 1),
  lanes: z.int().min(1).max(mostLanes),
  /** Id of the key that asked; `none` where there is none. */
  caller_id: z.string().min(1).max(200),
  /** What the lane was expected to cost; null where the price is unknown. */
  estimated_cost_usd: z.number().min(0).max(1_000_000).nullish(),
  /** On the last event of a lane alone. */
  verdict: raceVerdictSchema.optional(),
});
export type RaceLane = z.infer<typeof raceLaneSchema>;
