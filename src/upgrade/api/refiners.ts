import { refinerSweepSchema } from '../../contracts/upgrade-api.ts';
import type { Live } from '../../platform/core/live.ts';
import type { ZodApp } from '../../platform/http/zod-app.ts';
import { callsNeeded, type Sweep } from '../refiners/sweep.ts';

export function registerRefiners(
  app: ZodApp,
  { sweep, budgetMs }: { sweep: () => Promise<Sweep>; budgetMs: Live<number> },
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
    async () => {
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
