import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningApp, startApp } from '../../src/app.ts';
import { serviceNameSchema } from '../../src/contracts/api.ts';
import { loadConfig } from '../../src/platform/config/load.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/platform/postgres/embedded.ts';
import { silentLogger } from '../../src/platform/telemetry/logger.ts';
import { createMetrics } from '../../src/platform/telemetry/metrics.ts';
import { freePorts, makeTestFolder, openAiClient, startTestProviders, type TestProviders } from '../support/app.ts';

let folder: Awaited<ReturnType<typeof makeTestFolder>>;
let providers: TestProviders;
let database: EmbeddedPostgres;
let app: RunningApp;

beforeAll(async () => {
  folder = await makeTestFolder();
  providers = await startTestProviders();
  database = await startEmbeddedPostgres({ dataDir: folder.folder, log: silentLogger() });
  app = await startApp({
    config: loadConfig({
      env: { ...freePorts, ...providers.environment, DATABASE_URL: database.connectionString },
      cwd: folder.folder,
    }),
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
  // What needs the database says so instead of hanging or failing with an internal error.
  expect(await recorded(before)).toBe(503);

  database = await startEmbeddedPostgres({ dataDir: folder.folder, log: silentLogger() });
  for (const id of away) {
    await expect.poll(() => recorded(id), { timeout: 20_000 }).toMatchObject({ attempts: [{ outcome: 'success' }] });
  }
}, 60_000);
