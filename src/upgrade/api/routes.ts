import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { errorBodySchema } from '../../contracts/index.ts';
import { type UpgradeCandidateBody, upgradeCandidatesSchema } from '../../contracts/upgrade-api.ts';
import type { Live } from '../../platform/core/live.ts';
import { authorOf } from '../../platform/http/author.ts';
import type { ZodApp } from '../../platform/http/zod-app.ts';
import type { Pool } from '../../platform/postgres/pool.ts';
import { appendAudit } from '../../platform/store/audit-log.ts';
import { type DiscoveryRun, findLatestDiscoveryRun } from '../../platform/store/discovery-runs.ts';
import { findLatestRollouts, type Rollout } from '../../platform/store/rollouts.ts';
import { listUpgradeCandidates, type UpgradeCandidate } from '../../platform/store/upgrade-candidates.ts';
import type { Discover } from '../discover/discover.ts';
import type { Schedule } from '../discover/schedule.ts';

const runSchema = z.object({
  run_id: z.uuid(),
  trigger: z.enum(['manual', 'schedule']),
  started_at: z.iso.datetime(),
  finished_at: z.iso.datetime(),
  providers: z.array(
    z.object({
      provider: z.string(),
      ok: z.boolean(),
      listed: z.int(),
      new_candidates: z.int(),
      error: z.string().nullable(),
    }),
  ),
  found: z.int().describe('Models that came later than their provider, those recorded before included.'),
  new_candidates: z.int(),
});

const statusSchema = z.object({
  running: z.boolean().describe('Whether this process discovers on schedule.'),
  interval_ms: z.int(),
  last_run: runSchema.nullable(),
});

const candidatesQuerySchema = z.object({ limit: z.coerce.number().int().min(1).max(10_000).default(1000) });

/** The routes of discovery. */
export function registerRoutes(
  app: ZodApp,
  options: { pool: Pool; discover: Discover; schedule: Schedule; intervalMs: Live<number> },
): void {
  const { pool, discover, schedule, intervalMs } = options;
  const tags = ['upgrade'];

  async function status(): Promise<z.input<typeof statusSchema>> {
    const run = await findLatestDiscoveryRun(pool);
    return {
      running: schedule.isRunning(),
      interval_ms: intervalMs(),
      last_run: run === undefined ? null : toRunBody(run),
    };
  }

  /** First, since what follows is no transaction: nothing is done that the log does not tell. */
  const audit = (request: FastifyRequest, action: string): Promise<void> =>
    appendAudit(pool, { service: 'upgrade', author: authorOf(request), action, object: 'discovery' });

  app.post(
    '/discover',
    {
      schema: {
        tags,
        summary: 'Look for new models now',
        response: { 200: runSchema, 409: errorBodySchema },
      },
    },
    async (request) => {
      await audit(request, 'upgrade.discover');
      return toRunBody(await discover('manual'));
    },
  );
  app.get(
    '/candidates',
    {
      schema: {
        tags,
        summary: 'Models that providers brought out since they are known, the newest first',
        querystring: candidatesQuerySchema,
        response: { 200: upgradeCandidatesSchema, 400: errorBodySchema },
      },
    },
    async ({ query }) => {
      const candidates = await listUpgradeCandidates(pool, query.limit);
      const latest = await findLatestRollouts(pool, candidates);
      return {
        candidates: candidates.map((candidate) =>
          toCandidateBody(candidate, latest.get(`${candidate.provider}/${candidate.modelId}`)),
        ),
        count: candidates.length,
      };
    },
  );
  const statusRoute = (summary: string) => ({ schema: { tags, summary, response: { 200: statusSchema } } });
  app.get('/status', statusRoute('Whether discovery runs on schedule, and its latest run'), status);
  app.post('/start', statusRoute('Discover on schedule, in this process'), async (request) => {
    await audit(request, 'upgrade.start');
    await schedule.resume();
    return status();
  });
  app.post('/stop', statusRoute('Discover no longer on schedule, in this process'), async (request) => {
    await audit(request, 'upgrade.stop');
    await schedule.pause();
    return status();
  });
}

function toRunBody(run: DiscoveryRun): z.input<typeof runSchema> {
  return {
    run_id: run.id,
    trigger: run.trigger,
    started_at: run.startedAt.toISOString(),
    finished_at: run.finishedAt.toISOString(),
    providers: run.providers.map(({ provider, ok, listed, newCandidates, error }) => ({
      provider,
      ok,
      listed,
      new_candidates: newCandidates,
      error,
    })),
    found: run.found,
    new_candidates: run.newCandidates,
  };
}

function toCandidateBody(candidate: UpgradeCandidate, rollout: Rollout | undefined): UpgradeCandidateBody {
  return {
    id: candidate.id,
    provider: candidate.provider,
    model_id: candidate.modelId,
    status: candidate.status,
    preview: candidate.preview,
    replaces: candidate.replaces,
    reason: candidate.reason,
    first_seen_at: candidate.firstSeenAt.toISOString(),
    last_seen_at: candidate.lastSeenAt.toISOString(),
    rollout:
      rollout === undefined
        ? null
        : { rollout_id: rollout.rolloutId, state: rollout.state, share: rollout.share, held: rollout.held },
  };
}
