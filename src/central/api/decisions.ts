import { z } from 'zod';
import { decisionAttemptsSchema, decisionsSchema } from '../../contracts/decision-record.ts';
import { recordOutcomeSchema } from '../../contracts/event.ts';
import { complexitySchema } from '../../contracts/query-class.ts';
import { SignalboxError } from '../../platform/core/errors.ts';
import type { ZodApp } from '../../platform/http/zod-app.ts';
import type { Pool } from '../../platform/postgres/pool.ts';
import { listRecords } from '../../platform/store/routing-records.ts';

/** Text that PostgreSQL can compare: it has no NUL. */
const name = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^\0]*$/, 'must not contain NUL');

const querySchema = z.strictObject({
  model: name.optional(),
  provider: name.optional(),
  complexity: complexitySchema.optional(),
  outcome: recordOutcomeSchema.optional(),
  instance_id: name.optional(),
  decision_id: z.uuid().optional(),
  before: z.string().min(1).max(200).optional().describe('The `next` of the page before.'),
  limit: z.coerce.number().int().min(1).max(500).default(50),
  explain: z.stringbool().default(false).describe('Whether to add the candidates and the exclusions.'),
});

/** An attempt more than any decision has. */
const attemptLimit = 1001;

export function registerDecisions(app: ZodApp, pool: Pool): void {
  app.get(
    '/decisions',
    {
      schema: {
        tags: ['decisions'],
        summary: 'Attempts of decisions, the newest first',
        querystring: querySchema,
        response: {
          200: decisionsSchema,
        },
      },
    },
    async ({ query }) => {
      const { limit, before, explain, instance_id: instanceId, decision_id: decisionId, ...filter } = query;
      const records = await listRecords(pool, { ...filter, instanceId, decisionId }, { before, limit, explain });
      if (records === undefined) {
        throw new SignalboxError('invalid_request', 'before: not the cursor of a page', { param: 'before' });
      }
      return { decisions: records, next: records.length < limit ? null : (records.at(-1)?.cursor ?? null) };
    },
  );

  app.get(
    '/decisions/:id',
    {
      schema: {
        tags: ['decisions'],
        summary: 'All attempts of one decision with its explanation, in order',
        params: z.object({ id: z.uuid() }),
        response: { 200: decisionAttemptsSchema },
      },
    },
    async ({ params }) => {
      const records = await listRecords(pool, { decisionId: params.id }, { limit: attemptLimit, explain: true });
      if (records === undefined || records.length === 0) {
        throw new SignalboxError('not_found', `no decision ${params.id}`, { param: 'id' });
      }
      return { decision_id: params.id, attempts: records.toSorted((a, b) => a.attempt - b.attempt) };
    },
  );
}
