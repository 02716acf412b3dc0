import { z } from 'zod';
import { errorBodySchema } from '../../contracts/api.ts';
import { type Savings, savingsSchema } from '../../contracts/savings.ts';
import type { Clock } from '../../platform/core/clock.ts';
import type { Live } from '../../platform/core/live.ts';
import type { ZodApp } from '../../platform/http/zod-app.ts';
import type { Pool } from '../../platform/postgres/pool.ts';
import { createKeptAnswers } from '../savings/kept-answers.ts';
import { tellSavings } from '../savings/tell-savings.ts';

const mostHours = 744;
const hourMs = 3_600_000;
/** An answer may be as old. */
const keptMs = 10_000;

const querySchema = z
  .strictObject({
    hours: z.coerce.number().int().min(1).max(mostHours).optional().describe('The last hours; 24 by default.'),
    since: z.iso.datetime({ offset: true }).optional().describe('Instead of hours; at most 31 days ago.'),
    baseline: z
      .string()
      .min(1)
      .max(265)
      .regex(/^[^\0]*$/, 'must not contain NUL')
      .optional()
      .describe('Model to compare with, as provider/model; the best single model by default.'),
    decisions: z.coerce
      .number()
      .int()
      .min(1)
      .max(50_000)
      .default(10_000)
      .describe('Newest decisions by which quality is compared.'),
  })
  .refine(({ hours, since }) => hours === undefined || since === undefined, {
    message: 'give either hours or since',
    path: ['since'],
  })
  .refine(({ since }) => since === undefined || Date.parse(since) >= Date.now() - mostHours * hourMs, {
    message: 'must be at most 31 days ago',
    path: ['since'],
  });

export function registerSavings(app: ZodApp, pool: Pool, clock: Clock, floor: Live<number | null>): void {
  const answers = createKeptAnswers<Savings>(keptMs, () => clock.monotonicMs());
  app.get(
    '/savings',
    {
      schema: {
        tags: ['savings'],
        summary: 'What routing cost, what the best single model would have cost, and what became of quality',
        querystring: querySchema,
        response: { 200: savingsSchema, 400: errorBodySchema, 404: errorBodySchema },
      },
    },
    async ({ query }) =>
      answers.get(JSON.stringify(query), () => {
        const { hours = 24, since, baseline = null, decisions } = query;
        const nowMs = clock.nowMs();
        const sinceMs = since === undefined ? nowMs - hours * hourMs : Date.parse(since);
        return tellSavings(pool, { sinceMs, nowMs, baseline, limit: decisions, floor: floor() });
      }),
  );
}
