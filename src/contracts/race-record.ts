import { z } from 'zod';
import { complexitySchema } from './query-class.ts';
import { laneStatusSchema, raceOutcomeSchema, raceStrategySchema } from './race.ts';

/** Most entries of the statistics. */
export const mostRaceModels = 100;
export const mostRacePairs = 200;

const laneSchema = z.object({
  lane: z.int(),
  model: z.string(),
  provider: z.string(),
  decision_id: z.uuid(),
  instance_id: z.string(),
  status: z
    .enum([...laneStatusSchema.options, 'running', 'unknown'])
    .describe('`unknown`: what it came to was not told in time.'),
  reason: z.string().nullable(),
  selected: z.boolean(),
  finished_first: z.boolean(),
  latency_ms: z.number().nullable(),
  time_to_first_token_ms: z.number().nullable(),
  confidence: z.number().nullable(),
  label: z.number().nullable().describe('Quality in [0, 1], where a verifier, a judge or a consensus has said it.'),
  cost_usd: z.number().nullable(),
  estimated_cost_usd: z.number().nullable().describe('What the lane was expected to cost before it ran.'),
  input_tokens: z.number().nullable(),
  output_tokens: z.number().nullable(),
  attempts: z.int(),
  error_message: z.string().nullable().describe('Code and HTTP status of the last failure.'),
  updated_at: z.string(),
});

/** A race with its lanes, as central keeps it. Costs in USD, times in milliseconds. */
export const raceRecordSchema = z.object({
  race_id: z.uuid(),
  created_at: z.string(),
  strategy: raceStrategySchema,
  caller_id: z.string(),
  task_type: z.string().nullable(),
  complexity: complexitySchema,
  outcome: raceOutcomeSchema.nullable().describe('Null while it is not known.'),
  reason: z.string().nullable(),
  race_ms: z.number().nullable(),
  agreement: z.number().nullable(),
  margin: z.number().nullable(),
  cost_usd: z.number().nullable().describe('Of all lanes.'),
  lane_count: z.int().describe('Lanes that the race has; of some, nothing may have been heard yet.'),
  lanes: z.array(laneSchema),
});

export type RaceRecord = z.infer<typeof raceRecordSchema>;

/** Answer of `GET /races`. */
export const racesSchema = z.object({
  races: z.array(raceRecordSchema),
  next: z.string().nullable().describe('Pass it as `before` for the next page; null on the last one.'),
});
export type Races = z.infer<typeof racesSchema>;

const count = z.int();
const candidateSchema = z.object({ model: z.string(), provider: z.string() });

/** Answer of `GET /races/stats`. */
export const raceStatisticsSchema = z.object({
  hours: count,
  total_races: count,
  by_strategy: z.record(z.string(), count).describe('Races of each strategy.'),
  fastest_model: z
    .object({ model: z.string(), wins: count })
    .nullable()
    .describe('Which finished first most often; null where none did.'),
  highest_confidence_model: z
    .object({ model: z.string(), avg: z.number() })
    .nullable()
    .describe('The best mean of the confidences, to two decimals; null where there are none.'),
  by_outcome: z.object({ decided: count, no_consensus: count, no_answer: count, unfinished: count }),
  mean_agreement: z.number().nullable().describe('Of consensus races.'),
  total_cost_usd: z.number(),
  strategies: z.array(
    z.object({
      strategy: raceStrategySchema,
      races: count,
      race_ms: z.object({ mean: z.number().nullable(), p50: z.number().nullable(), p95: z.number().nullable() }),
      mean_cost_usd: z.number().nullable().describe('Of a race, of those whose cost is known.'),
    }),
  ),
  savings: z
    .object({
      races: count,
      lanes_stopped: count,
      lanes_never_started: count,
      estimated_saved_usd: z.number().describe('What these lanes were expected to cost, less what they did cost.'),
    })
    .describe('Lanes that were stopped, or never started, because the race was decided.'),
  models: z
    .array(
      candidateSchema.extend({
        races: count,
        wins: count,
        finished_first: count,
        errors: count,
        invalid: count,
        mean_confidence: z.number().nullable(),
        latency_ms: z
          .object({ p50: z.number().nullable(), p95: z.number().nullable() })
          .describe('Of whole answers; where the first content decides, the others’ are not known.'),
        cost_usd: z.number().nullable(),
      }),
    )
    .describe(`Those of most races first, at most ${mostRaceModels}.`),
  pairs: z
    .array(
      z.object({
        kind: z
          .enum(['speed', 'quality'])
          .describe('`speed`: races of `first`; `quality`: of the others, by what was judged.'),
        a: candidateSchema,
        b: candidateSchema,
        races: count.describe('In which both ran; for quality, in which neither was stopped.'),
        wins_a: count,
        wins_b: count,
        ties: count.describe('Races that did not tell between the two.'),
        win_rate: z.number().nullable().describe('Wins of `a` as a share of those of both; null without any.'),
        interval: z.tuple([z.number(), z.number()]).nullable().describe('Of the win rate, with 95%.'),
      }),
    )
    .describe(`Models that met in races, those that met most often first, at most ${mostRacePairs}.`),
});
export type RaceStatistics = z.infer<typeof raceStatisticsSchema>;
