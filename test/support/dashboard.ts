import { createLiveConfig } from '../../src/platform/config/live.ts';
import { loadConfig } from '../../src/platform/config/load.ts';
import type { Pool } from '../../src/platform/postgres/pool.ts';
import { silentLogger } from '../../src/platform/telemetry/logger.ts';
import { createMetrics } from '../../src/platform/telemetry/metrics.ts';
import { type RunningApp, startApp } from '../../src/app.ts';
import { addRollout, alarm, answers, observe, pairs, rolloutId } from '../integration/upgrade/rollout-support.ts';
import { until } from '../integration/registry/registry-under-test.ts';
import { freePorts } from './app.ts';

export interface DemoOptions {
  connectionString: string;
  config?: Record<string, unknown>;
}

/** All services with the simulator behind them, and without traffic unless the configuration asks for it. */
export function startDemo({ connectionString, config = {} }: DemoOptions): Promise<RunningApp> {
  return startApp({
    config: createLiveConfig(
      loadConfig({
        env: { ...freePorts, DATABASE_URL: connectionString },
        cwd: import.meta.dirname,
        flags: { simulator: { time_scale: 0.3 }, learner: { min_samples: 20 }, ...config },
      }),
    ),
    services: ['registry', 'router', 'upgrade', 'central'],
    embeddedDatabase: false,
    simulator: true,
    log: silentLogger(),
    metrics: createMetrics(),
  });
}

/** Traffic of the demo, at a rate that fills the views within seconds. */
export const busy = { demo: { enabled: true, requests_per_second: 12 } };

/** What would take days to come about by itself: a new model half-way, another one waiting, and an incident. */
export async function addUpgrades(pool: Pool, upgradeUrl: string): Promise<void> {
  await addRollout(pool);
  await act(upgradeUrl, rolloutId, 'approve');
  await observe(pool, pairs(60));
  await act(upgradeUrl, rolloutId, 'advance');
  await observe(
    pool,
    answers('control', 0.1, 900),
    answers('canary', 0.1, 100),
    answers('control', 0.1, 9, true),
    answers('canary', 0.1, 4, true),
  );
  await addRollout(pool, waitingRolloutId, ['lively-4', 'lively-3']);
  await alarm(pool, 'gpt-6-sol', 'complex');
}

export const waitingRolloutId = '01900000-0000-7000-8000-000000000002';

async function act(upgradeUrl: string, id: string, action: string): Promise<void> {
  await postOk(`${upgradeUrl}/candidates/${id}/${action}`, { reason: 'it looks good', actor: 'ada' });
}

/** Races of each kind, and a team with a key that has spent some of its budget. */
export async function addRacesAndKeys(routerUrl: string, centralUrl: string): Promise<void> {
  const prompt = 'What is 9 times 8?';
  await Promise.all(
    [
      { strategy: 'first' },
      { strategy: 'consensus', extract: 'number' },
      { strategy: 'best', verifier: { type: 'contains', value: '72' } },
    ].map((race) => postOk(`${routerUrl}/race`, { prompt, ...race })),
  );
  await postOk(`${centralUrl}/teams`, { name: 'research', budget: { limit_usd: 50, period: 'month' } });
  const made = await postOk(`${centralUrl}/keys`, {
    name: 'laptop',
    team: 'research',
    budget: { limit_usd: 0.2, period: 'day' },
    requests_per_minute: 60,
    models: ['gpt-*', 'claude-*'],
  });
  const { key } = (await made.json()) as { key: string };
  const question = {
    model: 'gpt-6-astra',
    max_tokens: 1000,
    messages: [{ role: 'user', content: 'Explain how rainbows come about.' }],
  };
  // The router hears of a new key a moment later.
  await until(async () => {
    const response = await post(`${routerUrl}/v1/chat/completions`, question, { authorization: `Bearer ${key}` });
    await response.body?.cancel();
    return response.status !== 401 && response.status !== 429;
  });
}

async function postOk(url: string, body: unknown): Promise<Response> {
  const response = await post(url, body);
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
  return response;
}

function post(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
}

/** Address of a service of a running demo. */
export function addressOf({ ports }: RunningApp, service: 'router' | 'upgrade' | 'central'): string {
  return `http://127.0.0.1:${ports[service] ?? 0}`;
}
