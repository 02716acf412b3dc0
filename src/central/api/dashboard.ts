import { z } from 'zod';
import { errorBodySchema } from '../../contracts/api.ts';
import {
  dashboardModelsSchema,
  historyWindowSchema,
  installationSchema,
  learningSchema,
  modelHistorySchema,
  type Overview,
  overviewSchema,
  windowSchema,
} from '../../contracts/dashboard.ts';
import { modelIdSchema, providerNameSchema } from '../../contracts/model.ts';
import type { Clock } from '../../platform/core/clock.ts';
import type { Live } from '../../platform/core/live.ts';
import type { ZodApp } from '../../platform/http/zod-app.ts';
import type { Pool } from '../../platform/postgres/pool.ts';
import { readInstallation } from '../dashboard/installation.ts';
import { readLearning } from '../dashboard/learning.ts';
import { readModelHistory } from '../dashboard/model-history.ts';
import { readModels } from '../dashboard/models.ts';
import { readOverview } from '../dashboard/overview.ts';
import { createKeptAnswers } from '../savings/kept-answers.ts';

const tags = ['dashboard'];
/** An answer may be as old, so that many who look cost as much as one. */
const keptMs = 2000;

export function registerDashboard(app: ZodApp, pool: Pool, clock: Clock, routerUrl: Live<string | null>): void {
  const overviews = createKeptAnswers<Overview>(keptMs, () => clock.monotonicMs());
  app.get(
    '/overview',
    {
      schema: {
        tags,
        summary: 'The fleet at a glance: requests, success, latency, spending, models, incidents, instances',
        querystring: z.strictObject({ window: windowSchema.default('24h') }),
        response: { 200: overviewSchema, 400: errorBodySchema },
      },
    },
    async ({ query: { window } }) => overviews.get(window, () => readOverview(pool, window, clock.nowMs())),
  );
  app.get(
    '/dashboard/models',
    {
      schema: {
        tags,
        summary: 'Offered models with what is believed and what was measured of them, and cost against quality',
        querystring: z.strictObject({ window: historyWindowSchema.default('7d') }),
        response: { 200: dashboardModelsSchema, 400: errorBodySchema },
      },
    },
    async ({ query: { window } }) => readModels(pool, window, clock.nowMs()),
  );
  app.get(
    '/dashboard/models/:provider/:model/history',
    {
      schema: {
        tags,
        summary: 'One model over time; a slash in its id is written %2F',
        params: z.object({ provider: providerNameSchema, model: modelIdSchema }),
        querystring: z.strictObject({ window: historyWindowSchema.default('7d') }),
        response: { 200: modelHistorySchema, 400: errorBodySchema },
      },
    },
    async ({ params, query: { window } }) => readModelHistory(pool, params, window, clock.nowMs()),
  );
  app.get(
    '/learning',
    {
      schema: {
        tags,
        summary: 'Beliefs and how near they are to an alarm, incidents, and predictors',
        response: { 200: learningSchema },
      },
    },
    async () => readLearning(pool),
  );
  app.get(
    '/dashboard/installation',
    { schema: { tags, summary: 'What a first run wants to know', response: { 200: installationSchema } } },
    async () => readInstallation(pool, routerUrl()),
  );
}
