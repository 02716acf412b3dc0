import type { Model, ProviderHealth } from '../../../src/contracts/index.ts';
import { createLiveConfig } from '../../../src/platform/config/live.ts';
import { loadConfig } from '../../../src/platform/config/load.ts';
import type { Pool } from '../../../src/platform/postgres/pool.ts';
import type { Provider } from '../../../src/platform/providers/definitions.ts';
import { silentLogger } from '../../../src/platform/telemetry/logger.ts';
import { createMetrics, type Metrics } from '../../../src/platform/telemetry/metrics.ts';
import { createRegistry } from '../../../src/registry/registry.ts';

export interface RegistryUnderTest {
  url: string;
  metrics: Metrics;
  stop(): Promise<void>;
}

/** A registry on a free port. It is started and has been through its first refresh. */
export async function startRegistry(
  pool: Pool,
  providers: readonly Provider[],
  timing: { refresh_ms?: number; health_check_ms?: number } = {},
): Promise<RegistryUnderTest> {
  const metrics = createMetrics();
  const config = loadConfig({
    env: {},
    cwd: '/nonexistent',
    flags: { ports: { registry: 0 }, registry: timing, log_level: 'silent' },
  });
  const registry = createRegistry({
    config: createLiveConfig(config),
    providers: () => providers,
    pool,
    log: silentLogger(),
    metrics,
  });
  await registry.start();
  const url = `http://127.0.0.1:${registry.port()}`;
  await until(async () => (await fetch(`${url}/health/readiness`)).status === 200);
  return { url, metrics, stop: () => registry.stop() };
}

/** Asks again and again; the test's own time limit ends it. */
export async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) {
    await new Promise((resolve) => {
      setTimeout(resolve, 10);
    });
  }
}

export interface Answer<T> {
  status: number;
  body: T;
}

interface ErrorAnswer {
  error: { message: string; type: string; param: string | null; code: string | null };
}

/** Sends a request with an optional JSON body and reads the JSON of the answer, null when there is none. */
export async function ask<T = ErrorAnswer>(url: string, method = 'GET', body?: unknown): Promise<Answer<T>> {
  const response = await fetch(url, {
    method,
    ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: (text === '' ? null : JSON.parse(text)) as T };
}

export interface ModelList {
  models: Model[];
  count: number;
}

export interface ProviderList {
  providers: ProviderHealth[];
  count: number;
}

export async function modelIds(url: string): Promise<string[]> {
  const { body } = await ask<ModelList>(url);
  return body.models.map((model) => model.model_id);
}
