import { z } from 'zod';
import { errorBodySchema } from '../../contracts/api.ts';
import { savingsSchema } from '../../contracts/savings.ts';
import type { ZodApp } from '../../platform/http/zod-app.ts';
import type { Pool } from '../../platform/postgres/pool.ts';
import { tellSavings } from '../savings/tell-savings.ts';

const mostHours = 744;
const hourMs = 3_600_000;

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

export function registerSavings(app: ZodApp, pool: Pool, floor: number | null): void {
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
    async ({ query: { hours = 24, since, baseline, decisions } }) => {
      const nowMs = Date.now();
      return tellSavings(pool, {
        sinceMs: since === undefined ? nowMs - hours * hourMs : Date.parse(since),
        nowMs,
        baseline: baseline ?? null,
        limit: decisions,
        floor,
      });
    },
  );
}
