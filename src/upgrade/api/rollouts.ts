import { z } from 'zod';
import { errorBodySchema } from '../../contracts/index.ts';
import { rolloutStateSchema } from '../../contracts/rollout.ts';
import {
  evaluationSchema,
  evaluationsSchema,
  rolloutLogSchema,
  upgradeActionBodySchema,
  upgradeActionSchema,
  upgradeStepSchema,
} from '../../contracts/upgrade-api.ts';
import { SignalboxError } from '../../platform/core/errors.ts';
import type { Live } from '../../platform/core/live.ts';
import { authorOf } from '../../platform/http/author.ts';
import type { ZodApp } from '../../platform/http/zod-app.ts';
import type { Pool } from '../../platform/postgres/pool.ts';
import { listRolloutLog } from '../../platform/store/rollout-log.ts';
import { findLatestRollouts, findRollout, listRollouts, type Rollout } from '../../platform/store/rollouts.ts';
import { findUpgradeCandidate } from '../../platform/store/upgrade-candidates.ts';
import type { Act } from '../rollouts/actions.ts';
import type { RolloutSettings } from '../rollouts/settings.ts';
import { toEvaluation } from './evaluation.ts';

const tags = ['rollouts'];
const paramsSchema = z.object({
  id: z.uuid().describe('Of a candidate, which stands for its newest rollout, or of a rollout.'),
});
const errors = { 400: errorBodySchema, 404: errorBodySchema };

const summaries: Record<z.infer<typeof upgradeActionSchema>, string> = {
  approve: 'Begin to try a candidate',
  advance: 'Let it go on from copies to the first share of the traffic, however few copies were compared',
  promote: 'Give it all the traffic now; without anything that it replaces, a place among the stable models',
  rollback: 'Take its traffic away and put back what it replaced',
  hold: 'Let it not advance; harm still ends it',
  resume: 'Let it advance again',
  dismiss: 'Do not try it, and do not propose it again',
  retry: 'Propose again, as a rollout of its own, what was rolled back, dismissed or withdrawn',
};

/** The routes of rollouts: what is known of them, and what operators do. */
export function registerRollouts(
  app: ZodApp,
  { pool, act, settings }: { pool: Pool; act: Act; settings: Live<RolloutSettings> },
): void {
  app.get(
    '/evaluations',
    {
      schema: {
        tags,
        summary: 'Rollouts with their evidence, the newest first',
        querystring: z.object({
          state: rolloutStateSchema.optional(),
          limit: z.coerce.number().int().min(1).max(1000).default(50),
        }),
        response: { 200: evaluationsSchema, 400: errorBodySchema },
      },
    },
    async ({ query: { state, limit } }) => {
      const rollouts = await listRollouts(pool, { states: state === undefined ? undefined : [state], limit });
      return {
        evaluations: rollouts.map((rollout) => toEvaluation(rollout, settings())),
        count: rollouts.length,
      };
    },
  );
  app.get(
    '/rollouts/:id',
    {
      schema: { tags, summary: 'One of them', params: paramsSchema, response: { 200: evaluationSchema, ...errors } },
    },
    async ({ params: { id } }) => toEvaluation(await rolloutOf(pool, id), settings()),
  );
  app.get(
    '/rollouts/:id/log',
    {
      schema: {
        tags,
        summary: 'Every step of a rollout, by whom and why',
        params: paramsSchema,
        querystring: z.object({ limit: z.coerce.number().int().min(1).max(10_000).default(1000) }),
        response: { 200: rolloutLogSchema, ...errors },
      },
    },
    async ({ params: { id }, query: { limit } }) => {
      const { rolloutId } = await rolloutOf(pool, id);
      const log = await listRolloutLog(pool, rolloutId, limit);
      return {
        log: log.map((entry) => ({
          seq: entry.seq,
          at: entry.at.toISOString(),
          event: entry.event,
          from_state: entry.fromState,
          to_state: entry.toState,
          from_stage: entry.fromStage,
          to_stage: entry.toStage,
          actor: entry.actor,
          reason: entry.reason,
          evidence: entry.evidence,
        })),
        count: log.length,
      };
    },
  );
  for (const action of upgradeActionSchema.options) {
    app.post(
      `/candidates/:id/${action}`,
      {
        schema: {
          tags,
          summary: summaries[action],
          params: paramsSchema,
          body: upgradeActionBodySchema,
          response: { 200: upgradeStepSchema, ...errors, 409: errorBodySchema },
        },
      },
      (request) => {
        const { reason, actor, dry_run: dryRun, control } = request.body;
        const author = authorOf(request, actor ?? null);
        return act({ id: request.params.id, action, reason, actor: actor ?? 'operator', author, dryRun, control });
      },
    );
  }
}

async function rolloutOf(pool: Pool, id: string): Promise<Rollout> {
  const candidate = await findUpgradeCandidate(pool, id);
  const found =
    candidate === undefined
      ? await findRollout(pool, id)
      : (await findLatestRollouts(pool, [candidate])).get(`${candidate.provider}/${candidate.modelId}`);
  if (found === undefined) throw new SignalboxError('not_found', `no rollout ${id}`, { param: 'id' });
  return found;
}
