import { z } from 'zod';
import { errorBodySchema } from '../../contracts/api.ts';
import {
  mostRaceModels,
  mostRacePairs,
  raceRecordSchema,
  racesSchema,
  type RaceStatistics,
  raceStatisticsSchema,
} from '../../contracts/race-record.ts';
import { SignalboxError } from '../../platform/core/errors.ts';
import type { ZodApp } from '../../platform/http/zod-app.ts';
import type { Pool } from '../../platform/postgres/pool.ts';
import { type RacePair, readRaceStatistics } from '../../platform/store/race-statistics.ts';
import { findRace, listRaces } from '../../platform/store/races.ts';
import { wilsonInterval } from '../../statistics/proportion.ts';

const tags = ['races'];
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
          200: racesSchema,
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
        response: { 200: raceStatisticsSchema, 400: errorBodySchema },
      },
    },
    async ({ query: { hours } }) => {
      const { pairs, ...statistics } = await readRaceStatistics(pool, hours, {
        models: mostRaceModels,
        pairs: mostRacePairs,
      });
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
        response: { 200: raceRecordSchema, 400: errorBodySchema, 404: errorBodySchema },
      },
    },
    async ({ params: { id } }) => {
      const race = await findRace(pool, id);
      if (race === undefined) throw new SignalboxError('not_found', `no race ${id}`, { param: 'id' });
      return race;
    },
  );
}

function withWinRate(pair: RacePair): RaceStatistics['pairs'][number] {
  const decided = pair.wins_a + pair.wins_b;
  return {
    ...pair,
    win_rate: decided === 0 ? null : pair.wins_a / decided,
    interval: decided === 0 ? null : wilsonInterval(pair.wins_a, decided),
  };
}
