import { z } from 'zod';
import { decisionAttemptsSchema, decisionsQuerySchema, decisionsSchema } from '../../contracts/decision-record.ts';
import { isDeeperThan, maxJsonDepth } from '../../platform/core/depth.ts';
import { SignalboxError } from '../../platform/core/errors.ts';
import type { ZodApp } from '../../platform/http/zod-app.ts';
import type { Pool } from '../../platform/postgres/pool.ts';
import { listRecords } from '../../platform/store/record-pages.ts';

/** An attempt more than any decision has. */
const attemptLimit = 1001;

export function registerDecisions(app: ZodApp, pool: Pool): void {
  app.get(
    '/decisions',
    {
      schema: {
        tags: ['decisions'],
        summary: 'Attempts of decisions, the newest first',
        querystring: decisionsQuerySchema,
        response: {
          200: decisionsSchema,
        },
      },
    },
    async ({ query: { limit, before, explain, ...filter } }) => {
      const page = await listRecords(pool, filter, { before, limit, explain });
      if (page === undefined) {
        throw new SignalboxError('invalid_request', 'before: not the cursor of a page', { param: 'before' });
      }
      return { decisions: page.records.map(showable), next: page.next, searched_until: page.searchedUntil };
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
      const page = await listRecords(pool, { decision_id: params.id }, { limit: attemptLimit, explain: true });
      const records = page?.records ?? [];
      if (records.length === 0) {
        throw new SignalboxError('not_found', `no decision ${params.id}`, { param: 'id' });
      }
      return { decision_id: params.id, attempts: records.map(showable).toSorted((a, b) => a.attempt - b.attempt) };
    },
  );
}

/** Explanations go from the queue into the table unseen, and who writes to the queue decides what they hold. */
function showable<R extends { explanation: unknown }>(record: R): R {
  return isDeeperThan(record.explanation, maxJsonDepth) ? { ...record, explanation: null } : record;
}
