import { refinerSweepSchema } from '../../contracts/upgrade-api.ts';
import type { Live } from '../../platform/core/live.ts';
import { authorOf } from '../../platform/http/author.ts';
import type { ZodApp } from '../../platform/http/zod-app.ts';
import type { Pool } from '../../platform/postgres/pool.ts';
import { appendAudit } from '../../platform/store/audit-log.ts';
import { callsNeeded, type Sweep } from '../refiners/sweep.ts';

export function registerRefiners(
  app: ZodApp,
  { pool, sweep, budgetMs }: { pool: Pool; sweep: () => Promise<Sweep>; budgetMs: Live<number> },
): void {
  app.post(
    '/refiners/sweep',
    {
      schema: {
        tags: ['refiners'],
        summary: 'Measure cheap models against the budget of a refinement now',
        response: { 200: refinerSweepSchema },
      },
    },
    async (request) => {
      // First, since a sweep is many transactions: nothing is done that the log does not tell.
      const author = authorOf(request);
      await appendAudit(pool, { service: 'upgrade', author, action: 'refiners.sweep', object: 'refiners' });
      const { models, changed } = await sweep();
      return {
        budget_ms: budgetMs(),
        calls_needed: callsNeeded,
        models: models.map(({ provider, modelId, calls, p50Ms, isRefiner, fits, proposal }) => ({
          provider,
          model_id: modelId,
          calls,
          p50_ms: p50Ms,
          is_refiner: isRefiner,
          fits,
          proposal,
        })),
        changed,
      };
    },
  );
}
