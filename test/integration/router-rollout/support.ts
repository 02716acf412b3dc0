import { randomUUID } from 'node:crypto';
import type OpenAI from 'openai';
import { expect, vi } from 'vitest';
import { startApp } from '../../../src/app.ts';
import type { ServiceName } from '../../../src/contracts/api.ts';
import type { RouteResponse } from '../../../src/contracts/decision.ts';
import { catalogueChannel, type RoutingDecision, type RoutingEvent } from '../../../src/contracts/event.ts';
import { rolloutsChannel } from '../../../src/contracts/rollout.ts';
import { createLiveConfig } from '../../../src/platform/config/live.ts';
import { loadConfig } from '../../../src/platform/config/load.ts';
import { silentLogger } from '../../../src/platform/telemetry/logger.ts';
import { createMetrics, type Metrics } from '../../../src/platform/telemetry/metrics.ts';
import { type RacingUpstream, startRacingUpstream } from '../../e2e/racing-upstream.ts';
import { patience, postJson } from '../../e2e/requests.ts';
import { alwaysTheBest, freePorts, openAiClient } from '../../support/app.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';

/** The model that `auto` chooses, the one that is tried in its place, the next best, and a judge. */
export const models = { control: 'old-1', candidate: 'new-1', spare: 'spare-1', judge: 'wise-1' } as const;

export interface RolloutApp {
  /** All models are of this one provider, `raw`. */
  raw: RacingUpstream;
  database: TestDatabase;
  client: OpenAI;
  routerUrl: string;
  url(service: ServiceName): string;
  metrics: Metrics;
  /** Starts a rollout as the upgrade service would, waits until the router knows it, and answers its id. */
  begin(state: 'shadow' | 'canary', share: number): Promise<string>;
  /** Takes a step as the upgrade service would; `isHeard` false: its notification is lost. */
  step(rolloutId: string, state: string, share: number, isHeard?: boolean): Promise<void>;
  /** Waits until the router knows the steps that were taken. */
  untilKnown(): Promise<void>;
  /** All rollouts end, and what was recorded is forgotten. */
  reset(): Promise<void>;
  /** All events so far, once there is what is waited for. */
  events(isEnough: (events: readonly RoutingDecision[]) => boolean): Promise<RoutingDecision[]>;
  /** The services alone; `stop` has still to be called. */
  stopServices(): Promise<void>;
  stop(): Promise<void>;
}

/** So long, in milliseconds, a test is troubled by what the candidate did in the one before. */
const ejectionMs = 200;

/** Without central, events stay in the queue for the test to read. */
export async function startRolloutApp(
  config: Record<string, unknown> = {},
  services: readonly ServiceName[] = ['registry', 'router'],
  /** A second provider, of this name, that has the judge alone. */
  judgesProvider?: string,
): Promise<RolloutApp> {
  const raw = await startRacingUpstream(Object.values(models));
  const database = await createTestDatabase();
  const metrics = createMetrics();
  const app = await startApp({
    config: createLiveConfig(
      loadConfig({
        env: { ...freePorts, DATABASE_URL: database.connectionString },
        cwd: import.meta.dirname,
        flags: {
          providers: [
            { ...raw.upstream.provider, passes: ['chat', 'responses'] },
            ...(judgesProvider === undefined
              ? []
              : [{ ...raw.upstream.provider, name: judgesProvider, models: [models.judge] }]),
          ],
          registry: { refresh_ms: 3_600_000, health_check_ms: 3_600_000 },
          // The judge is asked by its name alone.
          routing: { ...alwaysTheBest, deny: [models.judge, 'raw-1'] },
          resilience: {
            ejection: { base_ejection_ms: ejectionMs, max_ejection_ms: ejectionMs },
            throttle: { enabled: false },
            retry_budget: { share: 1, min_per_second: 1000 },
          },
          ...config,
        },
      }),
    ),
    services,
    embeddedDatabase: false,
    simulator: false,
    log: silentLogger(),
    metrics,
  });
  const url = (service: ServiceName): string => `http://127.0.0.1:${app.ports[service] ?? 0}`;
  const routerUrl = url('router');
  await fillCatalogue(database, routerUrl);

  async function step(rolloutId: string, state: string, share: number, isHeard = true): Promise<void> {
    await database.pool.query('update rollouts set state = $2, share = $3 where rollout_id = $1', [
      rolloutId,
      state,
      share,
    ]);
    if (isHeard) await database.pool.query('select pg_notify($1, $2)', [rolloutsChannel, '']);
  }

  /** Until the router has read what rollouts there are since now, and had time to take that in. */
  async function untilKnown(): Promise<void> {
    const { rows } = await database.pool.query<{ now: string }>('select clock_timestamp()::text as now');
    await vi.waitFor(async () => {
      const { rowCount } = await database.pool.query(
        `select from pg_stat_activity where datname = current_database() and application_name <> 'test'
           and query like '%from rollouts where state%' and state = 'idle'
           and query_start > $1::timestamptz and state_change < clock_timestamp() - interval '10 ms'`,
        [rows[0]?.now],
      );
      expect(rowCount).toBeGreaterThan(0);
    }, patience);
  }

  async function forgetEvents(): Promise<void> {
    const buffered = metrics.gauge('signalbox_events_buffered');
    await vi.waitFor(async () => expect((await buffered.get()).values).toMatchObject([{ value: 0 }]), patience);
    await database.pool.query('delete from pgmq.q_model_routing_decisions');
  }

  return {
    raw,
    database,
    client: openAiClient(routerUrl),
    routerUrl,
    url,
    metrics,
    step,
    untilKnown,
    async begin(state, share) {
      const rolloutId = randomUUID();
      await database.pool.query(
        `insert into rollouts (rollout_id, provider, model_id, control_provider, control_model_id, state, share, reason, fingerprint)
         values ($1, 'raw', $2, 'raw', $3, 'proposed', 0, 'test', '')`,
        [rolloutId, models.candidate, models.control],
      );
      await step(rolloutId, state, share);
      await untilKnown();
      await forgetEvents();
      return rolloutId;
    },
    async reset() {
      await database.pool.query(
        "update rollouts set state = 'dismissed' where state in ('proposed', 'shadow', 'canary')",
      );
      await database.pool.query('select pg_notify($1, $2)', [rolloutsChannel, '']);
      await Promise.all([untilKnown(), new Promise((resolve) => setTimeout(resolve, ejectionMs))]);
      await forgetEvents();
      raw.reset();
    },
    async events(isEnough) {
      let events: RoutingDecision[] = [];
      await expect
        .poll(async () => {
          const { rows } = await database.pool.query<{ message: RoutingEvent }>(
            'select message from pgmq.q_model_routing_decisions order by msg_id',
          );
          events = rows.map(({ message }) => message.routing_decision);
          return isEnough(events);
        }, patience)
        .toBe(true);
      return events;
    },
    stopServices: () => app.stop(),
    async stop() {
      await app.stop();
      await database.drop();
      await raw.upstream.stop();
    },
  };
}

/** Prices, the candidate's status, and scores by which `auto` chooses the control first and the spare model next. */
async function fillCatalogue({ pool }: TestDatabase, routerUrl: string): Promise<void> {
  await pool.query(
    `update models set input_usd_per_million_tokens = 1, output_usd_per_million_tokens = 2,
       status = case when model_id = $1 then 'candidate' else 'stable' end, pinned_fields = '{status}',
       capabilities = capabilities || '{"function_calling": true, "tool_use": true, "structured_output": true}',
       simple_score = s, medium_score = s, complex_score = s
     from (values ($1, 3), ($2, 5), ($3, 4), ($4, 1)) as given (id, s) where model_id = given.id`,
    [models.candidate, models.control, models.spare, models.judge],
  );
  await pool.query('select pg_notify($1, $2)', [catalogueChannel, '']);
  await vi.waitFor(async () => {
    const response = await postJson(`${routerUrl}/route`, { query: 'Hello', model: 'auto' });
    const { model_id, fallback_chain, estimated_cost_usd } = (await response.json()) as RouteResponse;
    const chain = [model_id, ...fallback_chain.map((step) => step.model_id), typeof estimated_cost_usd];
    expect(chain).toEqual([models.control, models.spare, 'number']);
  }, patience);
}

/** Asks in a conversation of its own name, and answers which model did. */
export async function ask(
  app: Pick<RolloutApp, 'routerUrl'>,
  session: string,
  more: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): Promise<{ status: number; model: string | null; provider: string | null; text: string }> {
  const response = await postJson(
    `${app.routerUrl}/v1/chat/completions`,
    { model: 'auto', messages: [{ role: 'user', content: 'Hello' }], ...more },
    { 'x-session-id': session, ...headers },
  );
  return {
    status: response.status,
    model: response.headers.get('x-signalbox-model'),
    provider: response.headers.get('x-signalbox-provider'),
    text: await response.text(),
  };
}

/** Runs `count` things, some at once. */
export async function many<T>(count: number, atOnce: number, one: (index: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (next < count) {
        const index = next;
        next += 1;
        results[index] = await one(index);
      }
    }),
  );
  return results;
}

/** The models that the upstream was asked for, in that order. */
export function asked({ raw }: Pick<RolloutApp, 'raw'>): string[] {
  return raw.upstream.requests.map(({ body }) => String((JSON.parse(body) as { model: unknown }).model));
}

export const isEnded = ({ outcome }: RoutingDecision): boolean => outcome !== 'routed';
