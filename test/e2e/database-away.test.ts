import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type RunningApp, startApp } from '../../src/app.ts';
import { serviceNameSchema } from '../../src/contracts/api.ts';
import { auditPageSchema } from '../../src/contracts/audit.ts';
import { type ConfigHolder, createLiveConfig, firstState } from '../../src/platform/config/live.ts';
import { type Config, loadConfig } from '../../src/platform/config/load.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/platform/postgres/embedded.ts';
import { silentLogger } from '../../src/platform/telemetry/logger.ts';
import { createMetrics } from '../../src/platform/telemetry/metrics.ts';
import {
  freePorts,
  makeTestFolder,
  openAiClient,
  type SignalboxProcess,
  startSignalbox,
  startTestProviders,
  type TestProviders,
} from '../support/app.ts';
import { running, withDescendants } from '../support/process-tree.ts';
import { capital, endedAttempts, getJson, patience, postJson, signalboxHeaders, user } from './requests.ts';

let folder: Awaited<ReturnType<typeof makeTestFolder>>;
let providers: TestProviders;
let database: EmbeddedPostgres;
let app: RunningApp;

let live: ConfigHolder;

function configWith(flags: Record<string, unknown>): Config {
  return loadConfig({
    env: { ...freePorts, ...providers.environment, DATABASE_URL: database.connectionString },
    cwd: folder.folder,
    flags,
  });
}

beforeAll(async () => {
  folder = await makeTestFolder();
  providers = await startTestProviders();
  database = await startEmbeddedPostgres({ dataDir: folder.folder, log: silentLogger() });
  live = createLiveConfig(configWith({}));
  app = await startApp({
    config: live,
    services: serviceNameSchema.options,
    embeddedDatabase: false,
    simulator: false,
    log: silentLogger(),
    metrics: createMetrics(),
  });
});
afterAll(async () => {
  await app.stop();
  await database.stop();
  await providers.stop();
  await folder.remove();
});

test('while PostgreSQL is away requests are answered, and what happened meanwhile is recorded when it is back', async () => {
  const client = openAiClient(`http://127.0.0.1:${app.ports.router ?? 0}`);
  const ask = async (): Promise<string> => {
    const { response } = await client.chat.completions
      .create({ model: 'auto', messages: [{ role: 'user', content: 'What is the capital of France?' }] })
      .withResponse();
    return response.headers.get('x-signalbox-decision-id') ?? '';
  };
  const recorded = async (id: string): Promise<unknown> => {
    const response = await fetch(`http://127.0.0.1:${app.ports.central ?? 0}/decisions/${id}`);
    return response.ok ? response.json() : response.status;
  };

  const before = await ask();
  await expect.poll(() => recorded(before), { timeout: 10_000 }).toMatchObject({ attempts: [{ outcome: 'success' }] });

  await database.stop();
  const away = [await ask(), await ask(), await ask()];
  const changed = configWith({ limits: { wait_ms: 900 } });
  live.set(changed, firstState(changed, null));
  const changedAt = new Date();
  // What needs the database says so instead of hanging or failing with an internal error.
  expect(await recorded(before)).toBe(503);

  database = await startEmbeddedPostgres({ dataDir: folder.folder, log: silentLogger() });
  for (const id of away) {
    await expect.poll(() => recorded(id), { timeout: 20_000 }).toMatchObject({ attempts: [{ outcome: 'success' }] });
  }
  const reloads = async () =>
    auditPageSchema.parse(await getJson(`http://127.0.0.1:${app.ports.central ?? 0}/audit?action=config.reload`))
      .entries;
  await expect.poll(reloads, { timeout: 20_000 }).toMatchObject([{ after: { 'limits.wait_ms': 900 } }]);
  // When it was done, and not when it could be written.
  const [reload] = await reloads();
  expect(new Date(reload?.at ?? '').getTime()).toBeLessThanOrEqual(changedAt.getTime());
}, 60_000);

describe.skipIf(process.platform !== 'linux')('a router of two workers', () => {
  const started: SignalboxProcess[] = [];
  afterEach(async () => {
    for (const { pid } of started.splice(0))
      for (const each of await running(await withDescendants(pid))) process.kill(each, 'SIGKILL');
  });

  /** Says what was decided; each request on a connection of its own, so that both workers have some. */
  async function ask(url: string): Promise<string> {
    const body = { model: 'auto', messages: user(capital) };
    const response = await postJson(`${url}/v1/chat/completions`, body, { connection: 'close' });
    expect(await response.text()).toContain('Paris');
    return signalboxHeaders(response.headers)['decision-id'] ?? '';
  }

  async function eventsOnDisk(url: string): Promise<number> {
    const text = await (await fetch(`${url}/metrics`, { headers: { connection: 'close' } })).text();
    const { groups } = /^signalbox_events_outbox_events(\{[^}]*\})? (?<count>\d+)$/m.exec(text) ?? {};
    return Number(groups?.['count']);
  }

  async function kill(router: SignalboxProcess): Promise<void> {
    const pids = await withDescendants(router.pid);
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    await expect.poll(() => running(pids), patience).toEqual([]);
  }

  test.each([
    { name: 'killed', end: kill },
    {
      name: 'stopped',
      async end(router: SignalboxProcess) {
        router.kill('SIGTERM');
        expect(await router.waitForExit()).toBe(0);
      },
    },
  ])(
    '$name while PostgreSQL is away has lost nothing when both are back',
    async ({ name, end }) => {
      const env = {
        ...providers.environment,
        DATABASE_URL: database.connectionString,
        INSTANCE_ID: name,
        SIGNALBOX_DATA_DIR: path.join(folder.folder, `data of ${name}`),
        LOG_LEVEL: 'warn',
      };
      const start = (): SignalboxProcess => {
        const router = startSignalbox(['serve', 'router', '--workers', '2'], env);
        started.push(router);
        return router;
      };
      const before = start();
      const url = await before.url('router');
      await database.stop();
      const away = await Promise.all(Array.from({ length: 12 }, () => ask(url)));
      // Of each a decision and an outcome.
      await expect.poll(() => eventsOnDisk(url), patience).toBe(24);
      await end(before);

      database = await startEmbeddedPostgres({ dataDir: folder.folder, log: silentLogger() });
      const after = start();
      const later = await ask(await after.url('router'));
      const central = { url: () => `http://127.0.0.1:${app.ports.central ?? 0}` };
      const attempts = await Promise.all([...away, later].map((id) => endedAttempts(central, id)));
      expect(attempts.flat().map(({ outcome }) => outcome)).toEqual(Array.from({ length: 13 }, () => 'success'));
      const instances = new Set(attempts.flat().map((attempt) => String(attempt['instance_id'])));
      expect([...instances].toSorted()).toEqual([`${name}-w1`, `${name}-w2`]);
      await expect.poll(async () => eventsOnDisk(await after.url('router')), patience).toBe(0);
    },
    90_000,
  );
});
