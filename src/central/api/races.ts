import { z } from 'zod';
import { errorBodySchema } from '../../contracts/api.ts';
import { complexitySchema } from '../../contracts/query-class.ts';
import { laneStatusSchema, raceOutcomeSchema, raceStrategySchema } from '../../contracts/race.ts';
import { SignalboxError } from '../../platform/core/errors.ts';
import type { ZodApp } from '../../platform/http/zod-app.ts';
import type { Pool } from '../../platform/postgres/pool.ts';
import { type RacePair, readRaceStatistics } from '../../platform/store/race-statistics.ts';
import { findRace, listRaces } from '../../platform/store/races.ts';
import { wilsonInterval } from '../../statistics/proportion.ts';

const tags = ['races'];
const modelLimit = 100;
const pairLimit = 200;

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

const raceSchema = z.object({
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

const count = z.int();
const candidateSchema = z.object({ model: z.string(), provider: z.string() });

const statisticsSchema = z.object({
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
    .describe(`Those of most races first, at most ${modelLimit}.`),
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
    .describe(`Models that met in races, those that met most often first, at most ${pairLimit}.`),
});

export function registerRaces(app: ZodApp, pool: Pool): void {
  app.get(
    '/races',
    {
      schema: {
        tags,
        summary: 'Races with their lanes, the newest first',
        querystring: z.strictObject({
          limit: z.coerce.number().int().min(1).max(200).default(20),
          before: z.string().min(1).max(200).optional().describe('The `next` of the page before.'),
        }),
        response: {
          200: z.object({
            races: z.array(raceSchema),
            next: z.string().nullable().describe('Pass it as `before` for the next page; null on the last one.'),
          }),
          400: errorBodySchema,
        },
      },
    },
    async ({ query: { limit, before } }) => {
      const races = await listRaces(pool, { before, limit });
      if (races === undefined) {
        throw new SignalboxError('invalid_request', 'before: not the cursor of a page', { param: 'before' });
      }
      return { races, next: races.length < limit ? null : (races.at(-1)?.cursor ?? null) };
    },
  );
  app.get(
    '/races/stats',
    {
      schema: {
        tags,
        summary: 'Which models win races, how they compare in pairs, and what races cost and save',
        querystring: z.strictObject({ hours: z.coerce.number().int().min(1).max(8760).default(24) }),
        response: { 200: statisticsSchema, 400: errorBodySchema },
      },
    },
    async ({ query: { hours } }) => {
      const { pairs, ...statistics } = await readRaceStatistics(pool, hours, { models: modelLimit, pairs: pairLimit });
      return {
        hours,
        total_races: statistics.strategies.reduce((sum, { races }) => sum + races, 0),
        by_strategy: Object.fromEntries(statistics.strategies.map(({ strategy, races }) => [strategy, races])),
        ...statistics,
        pairs: pairs.map(withWinRate),
      };
    },
  );
  app.get(
    '/races/:id',
    {
      schema: {
        tags,
        summary: 'One race with its lanes',
        params: z.object({ id: z.uuid() }),
        response: { 200: raceSchema, 400: errorBodySchema, 404: errorBodySchema },
      },
    },
    async ({ params: { id } }) => {
      const race = await findRace(pool, id);
      if (race === undefined) throw new SignalboxError('not_found', `no race ${id}`, { param: 'id' });
      return race;
    },
  );
}

function withWinRate(pair: RacePair): z.infer<typeof statisticsSchema>['pairs'][number] {
  const decided = pair.wins_a + pair.wins_b;
  return {
    ...pair,
    win_rate: decided === 0 ? null : pair.wins_a / decided,
    interval: decided === 0 ? null : wilsonInterval(pair.wins_a, decided),
  };
}
