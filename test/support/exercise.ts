import { type RunningApp, startApp } from '../../src/app.ts';
import { serviceNameSchema, type ServiceName } from '../../src/contracts/api.ts';
import type { RouteResponse } from '../../src/contracts/decision.ts';
import { createLiveConfig } from '../../src/platform/config/live.ts';
import { loadConfig } from '../../src/platform/config/load.ts';
import { sleep } from '../../src/platform/core/clock.ts';
import { listQueues, queueMetrics } from '../../src/platform/postgres/pgmq.ts';
import { createPool } from '../../src/platform/postgres/pool.ts';
import { silentLogger } from '../../src/platform/telemetry/logger.ts';
import { createMetrics } from '../../src/platform/telemetry/metrics.ts';
import { freePorts, startTestProviders } from './app.ts';

/** A whole installation that is asked something. */
export interface Exercise {
  /** Asks once; the id of the decision, of which a complete answer came. */
  ask(model?: string): Promise<string>;
  /** Resolves when all these are recorded as successes. */
  untilRecorded(ids: readonly string[]): Promise<void>;
  /** Has a model fail until central lowers its score and the router has heard of it. */
  learn(): Promise<void>;
  stop(): Promise<void>;
}

const patienceMs = 60_000;
const failing = 'gpt-6-astra';

/** Starts all four services in this process, which bring the database up to date first. */
export async function startExercise(
  env: Readonly<Record<string, string>> & { DATABASE_URL: string },
): Promise<Exercise> {
  const log = silentLogger();
  const providers = await startTestProviders();
  const app: RunningApp = await startApp({
    config: createLiveConfig(
      loadConfig({
        env: { ...freePorts, ...providers.environment, ...env },
        cwd: import.meta.dirname,
        flags: {
          learner: { min_samples: 10, interval_ms: 100 },
          retries: { backoff_ms: 1 },
          routing: { exploration: { enabled: false } },
        },
      }),
    ),
    services: serviceNameSchema.options,
    embeddedDatabase: false,
    simulator: false,
    log,
    metrics: createMetrics(),
  });
  const pool = createPool({ connectionString: env.DATABASE_URL, applicationName: 'exercise', max: 1, log });
  const url = (service: ServiceName): string => `http://127.0.0.1:${app.ports[service] ?? 0}`;

  async function ask(model = 'auto'): Promise<string> {
    const response = await post(`${url('router')}/v1/chat/completions`, { model, messages: [question] });
    const answer = await response.text();
    if (!response.ok) throw new Error(`${response.status} ${answer}`);
    return response.headers.get('x-signalbox-decision-id') ?? '';
  }

  return {
    ask,
    async untilRecorded(ids) {
      await until('all decisions are recorded', async () => {
        const { rows } = await pool.query<{ count: number }>(
          `select count(distinct decision_id)::int as count from routing_records
           where outcome = 'success' and decision_id = any($1::uuid[])`,
          [ids],
        );
        return rows[0]?.count === ids.length;
      });
    },
    async learn() {
      await providers.fail({ fault: 'http_500', model: failing });
      for (let request = 0; request < 6; request += 1) await ask(failing).catch(() => undefined);
      await until('the router has the new score', async () => {
        const response = await post(`${url('router')}/route`, { query: question.content });
        const { explanation } = (await response.json()) as RouteResponse;
        return explanation.candidates.some(
          ({ model, score_source: source }) => model === failing && source === 'learned',
        );
      });
      await until('the queue of the router got it', async () => {
        const queues = (await listQueues(pool)).filter((queue) => queue.startsWith('sb_scores_'));
        const metrics = await Promise.all(queues.map((queue) => queueMetrics(pool, queue)));
        return metrics.some(({ totalMessages }) => totalMessages > 0);
      });
    },
    async stop() {
      await app.stop();
      await pool.end();
      await providers.stop();
    },
  };
}

const question = { role: 'user' as const, content: 'What is the capital of France?' };

function post(url: string, body: unknown): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

/** Resolves when `isSo` does to true; rejects with `what` after a minute. */
async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const endsAt = Date.now() + patienceMs;
  while (!(await isSo().catch(() => false))) {
    if (Date.now() > endsAt) throw new Error(`it did not come to it that ${what}`);
    await sleep(100);
  }
}
