import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLiveConfig } from '../../../src/platform/config/live.ts';
import { loadConfig } from '../../../src/platform/config/load.ts';
import type { Provider } from '../../../src/platform/providers/definitions.ts';
import { silentLogger } from '../../../src/platform/telemetry/logger.ts';
import { createMetrics, type Metrics } from '../../../src/platform/telemetry/metrics.ts';
import { createUpgrade, type Upgrade } from '../../../src/upgrade/upgrade.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';
import { type ListServer, startListServer } from '../registry/list-server.ts';
import { ask, startRegistry, until } from '../registry/registry-under-test.ts';

interface Run {
  providers: Array<{ provider: string; ok: boolean; listed: number; new_candidates: number; error: string | null }>;
  found: number;
  new_candidates: number;
}

interface Candidates {
  candidates: Array<{ provider: string; model_id: string; replaces: string | null; preview: boolean; reason: string }>;
  count: number;
}

interface Status {
  running: boolean;
  last_run: { trigger: string } | null;
}

let database: TestDatabase;
let server: ListServer;
let upgrade: Upgrade | undefined;
let metrics: Metrics;

beforeEach(async () => {
  database = await createTestDatabase();
  server = await startListServer('gpt-5-sol', 'gpt-6-luna', 'text-embedding-3-small');
});

afterEach(async () => {
  await upgrade?.stop();
  upgrade = undefined;
  await server.stop();
  await database.drop();
});

async function startUpgrade(providers: readonly Provider[] = [server.provider()]): Promise<string> {
  metrics = createMetrics();
  const config = loadConfig({ env: {}, cwd: '/nonexistent', flags: { ports: { upgrade: 0 } } });
  upgrade = createUpgrade({
    config: createLiveConfig(config),
    providers: () => providers,
    pool: database.pool,
    connectionString: database.connectionString,
    log: silentLogger(),
    metrics,
  });
  await upgrade.start();
  return `http://127.0.0.1:${upgrade.port()}`;
}

/** Fills the catalogue as a registry does, and lets the rows grow old. */
async function fillCatalogue(): Promise<void> {
  const registry = await startRegistry(database.pool, [server.provider()]);
  await registry.stop();
  await database.pool.query("update models set created_at = created_at - interval '1 hour'");
}

const candidatesOf = async (url: string) => (await ask<Candidates>(`${url}/candidates`)).body.candidates;

describe('discovery', () => {
  it('answers the documented command', async () => {
    const url = await startUpgrade();
    expect((await fetch(`${url}/discover`, { method: 'POST' })).status).toBe(200);
    expect((await fetch(`${url}/health`)).status).toBe(200);
    expect((await fetch(`${url}/docs`)).status).toBe(200);
    expect((await fetch(`${url}/openapi.json`)).status).toBe(200);
  });

  it('finds nothing before the registry has filled the catalogue, nor right after', async () => {
    const url = await startUpgrade();
    expect((await ask<Run>(`${url}/discover`, 'POST')).body).toMatchObject({ found: 0, new_candidates: 0 });
    const registry = await startRegistry(database.pool, [server.provider()]);
    await registry.stop();
    expect((await ask<Run>(`${url}/discover`, 'POST')).body).toMatchObject({ found: 0 });
    expect(await candidatesOf(url)).toEqual([]);
  });

  it('finds what a provider brings out, once, whether the registry or it sees it first', async () => {
    await fillCatalogue();
    const url = await startUpgrade();

    server.list('gpt-5-sol', 'gpt-6-luna', 'gpt-6-sol', 'gpt-7-preview', 'whisper-9');
    const first = await ask<Run>(`${url}/discover`, 'POST');
    expect(first.status).toBe(200);
    expect(first.body).toMatchObject({
      found: 2,
      new_candidates: 2,
      providers: [{ provider: 'openai', ok: true, listed: 5, new_candidates: 2, error: null }],
    });
    expect(await candidatesOf(url)).toMatchObject([
      { model_id: 'gpt-6-sol', replaces: 'gpt-5-sol', preview: false },
      { model_id: 'gpt-7-preview', replaces: null, preview: true },
    ]);

    const registry = await startRegistry(database.pool, [server.provider()]);
    await registry.stop();
    expect((await ask<Run>(`${url}/discover`, 'POST')).body).toMatchObject({ found: 2, new_candidates: 0 });
    expect(await candidatesOf(url)).toHaveLength(2);
    expect(await candidatesOf(url)).toMatchObject([{ model_id: 'gpt-6-sol' }, { model_id: 'gpt-7-preview' }]);
  });

  it('tells what each provider answered', async () => {
    await fillCatalogue();
    const url = await startUpgrade([
      server.provider(),
      server.provider({ name: 'away', baseUrl: 'http://127.0.0.1:1/v1' }),
    ]);
    const { status, body } = await ask<Run>(`${url}/discover`, 'POST');
    expect(status).toBe(200);
    expect(body.providers).toMatchObject([
      { provider: 'openai', ok: true },
      { provider: 'away', ok: false, error: expect.stringContaining('cannot be reached') as string },
    ]);
    const counter = await metrics.registry.getSingleMetric('signalbox_upgrade_discovery_runs_total')?.get();
    expect(counter?.values).toMatchObject([{ labels: { result: 'partial' }, value: 1 }]);
  });

  it('runs once at a time', async () => {
    const url = await startUpgrade();
    server.hold();
    const running = ask<Run>(`${url}/discover`, 'POST');
    await server.waitForRequest();
    const second = await ask(`${url}/discover`, 'POST');
    expect(second.status).toBe(409);
    expect(second.body.error.code).toBe('conflict');
    server.release();
    expect((await running).status).toBe(200);
  });
});

describe('the schedule', () => {
  const triggers = async () =>
    (await database.pool.query<{ trigger: string }>('select trigger from discovery_runs order by started_at')).rows.map(
      (row) => row.trigger,
    );

  it('runs when a week is over since the latest run of any process, or since the catalogue was filled', async () => {
    await fillCatalogue();
    let url = await startUpgrade();
    expect((await ask<Status>(`${url}/status`)).body).toMatchObject({ running: true, last_run: null });
    await ask(`${url}/discover`, 'POST');
    await upgrade?.stop();

    await database.pool.query("update discovery_runs set started_at = started_at - interval '8 days'");
    url = await startUpgrade();
    await until(async () => (await ask<Status>(`${url}/status`)).body.last_run?.trigger === 'schedule');
    await upgrade?.stop();
    expect(await triggers()).toEqual(['manual', 'schedule']);

    await database.pool.query('delete from discovery_runs');
    await database.pool.query("update models set created_at = created_at - interval '8 days'");
    url = await startUpgrade();
    await until(async () => (await triggers()).length > 0);
    expect(await triggers()).toEqual(['schedule']);
  });

  it('is stopped and started', async () => {
    const url = await startUpgrade();
    for (const [path, running] of [
      ['/stop', false],
      ['/stop', false],
      ['/start', true],
      ['/start', true],
      ['/stop', false],
    ] as const) {
      const answer = await ask<Status>(`${url}${path}`, 'POST');
      expect(answer).toMatchObject({ status: 200, body: { running } });
      expect((await ask<Status>(`${url}/status`)).body.running).toBe(running);
    }
  });
});

it('has evaluated nothing yet, and says so', async () => {
  const url = await startUpgrade();
  expect((await ask<unknown>(`${url}/evaluations`)).body).toEqual({ evaluations: [], count: 0 });
});

it('has no answer of the server’s own fault for any input', async () => {
  const url = await startUpgrade();
  const path = fc.constantFrom('/start', '/stop', '/discover', '/candidates', '/evaluations', '/status');
  await fc.assert(
    fc.asyncProperty(path, fc.constantFrom('GET', 'POST', 'PUT'), fc.jsonValue(), async (to, method, body) => {
      const answer = await ask(`${url}${to}`, method, method === 'GET' ? undefined : body);
      expect(answer.status).toBeLessThan(500);
    }),
    { numRuns: 100 },
  );
  await fc.assert(
    fc.asyncProperty(fc.string(), async (limit) => {
      const { status } = await ask(`${url}/candidates?limit=${encodeURIComponent(limit)}`);
      expect([200, 400]).toContain(status);
    }),
    { numRuns: 50 },
  );
});
