import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { catalogueChannel, type Model } from '../../../src/contracts/index.ts';
import { listOfferedModels } from '../../../src/platform/store/models.ts';
import { listProviderHealth } from '../../../src/platform/store/provider-health.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';
import { type ListServer, startListServer } from './list-server.ts';
import {
  ask,
  modelIds,
  type ProviderList,
  type RegistryUnderTest,
  startRegistry,
  until,
} from './registry-under-test.ts';

let database: TestDatabase;
let server: ListServer;
let registry: RegistryUnderTest | undefined;

beforeEach(async () => {
  database = await createTestDatabase();
  server = await startListServer('gpt-6-luna', 'gpt-6-sol');
});

afterEach(async () => {
  await registry?.stop();
  registry = undefined;
  await server.stop();
  await database.drop();
});

/** Refreshes as often as it can. */
const eager = { refresh_ms: 5, health_check_ms: 3_600_000 };

async function restart(timing: typeof eager | undefined, ...changes: Array<Parameters<ListServer['provider']>[0]>) {
  await registry?.stop();
  const providers = changes.length === 0 ? [server.provider()] : changes.map((change) => server.provider(change));
  registry = await startRegistry(database.pool, providers, timing);
  return registry;
}

async function failures(of: RegistryUnderTest): Promise<number> {
  const metric = await of.metrics.registry.getSingleMetric('signalbox_registry_refresh_failures_total')?.get();
  return metric?.values[0]?.value ?? 0;
}

describe('the refresh', () => {
  it('follows the provider’s list', async () => {
    const { url } = await restart(eager);
    expect(await modelIds(`${url}/models`)).toEqual(['gpt-6-luna', 'gpt-6-sol']);
    server.list('gpt-6-sol', 'gpt-6-astra');
    await until(async () => (await modelIds(`${url}/models`)).includes('gpt-6-astra'));
    expect(await modelIds(`${url}/models`)).toEqual(['gpt-6-astra', 'gpt-6-sol']);
    expect(await modelIds(`${url}/models?listed=all`)).toEqual(['gpt-6-astra', 'gpt-6-luna', 'gpt-6-sol']);
    expect((await listOfferedModels(database.pool)).map((model) => model.model_id)).toEqual([
      'gpt-6-astra',
      'gpt-6-sol',
    ]);
    server.list('gpt-6-luna');
    await until(async () => (await modelIds(`${url}/models`)).join() === 'gpt-6-luna');
  });

  it('keeps what it knows while the provider fails or lists nothing', async () => {
    const current = await restart(eager);
    for (const failing of [
      () => server.answer(500),
      () => server.answer(401),
      () => (server.answer(200), server.list()),
    ]) {
      const before = await failures(current);
      failing();
      await until(async () => (await failures(current)) > before + 2);
      expect(await modelIds(`${current.url}/models`)).toEqual(['gpt-6-luna', 'gpt-6-sol']);
    }
  });

  it('is ready, and offers the configured models, when no provider can be asked', async () => {
    server.answer(500);
    const { url } = await restart(undefined, { models: ['mine'] });
    expect(await modelIds(`${url}/models`)).toEqual(['mine']);
  });

  it('keeps what operators did', async () => {
    const { url } = await restart(eager);
    await ask(`${url}/models/gpt-6-sol`, 'PATCH', { costs: { output_tokens_per_1k: 0.001 } });
    await ask(`${url}/models/gpt-6-luna`, 'DELETE');
    await ask(`${url}/models`, 'POST', { model_id: 'mine', provider: 'openai' });
    server.list('gpt-6-luna', 'gpt-6-sol', 'gpt-6-astra');
    await until(async () => (await modelIds(`${url}/models`)).includes('gpt-6-astra'));
    const sol = (await ask<Model>(`${url}/models/gpt-6-sol`)).body;
    expect(sol.costs).toMatchObject({ input_tokens_per_1k: 0.002, output_tokens_per_1k: 0.001 });
    expect((await ask<Model>(`${url}/models/gpt-6-luna`)).body.status).toBe('disabled');
    expect(await modelIds(`${url}/models`)).toContain('mine');
  });

  it('offers no model of a provider that is not configured any more', async () => {
    await restart(undefined, { name: 'one' }, { name: 'two' });
    const { url } = await restart(undefined, { name: 'two' });
    expect(await modelIds(`${url}/models/provider/one`)).toEqual([]);
    expect(await modelIds(`${url}/models/provider/two`)).toHaveLength(2);
    expect((await ask<ProviderList>(`${url}/providers`)).body.providers.map(({ provider }) => provider)).toEqual([
      'two',
    ]);
  });

  it('lets several registries run on one database', async () => {
    const others = await Promise.all(
      Array.from({ length: 3 }, () => startRegistry(database.pool, [server.provider()], eager)),
    );
    await restart(eager);
    for (const other of others) await other.stop();
    expect((await listOfferedModels(database.pool)).map((model) => model.model_id)).toEqual([
      'gpt-6-luna',
      'gpt-6-sol',
    ]);
  });

  it('wakes the readers of the catalogue when something changed, and only then', async () => {
    const listener = new Client({ connectionString: database.connectionString });
    let notified = 0;
    listener.on('notification', () => (notified += 1));
    await listener.connect();
    try {
      await listener.query(`listen ${catalogueChannel}`);
      const { url } = await restart(eager);
      await listener.query('select 1');
      expect(notified).toBeGreaterThanOrEqual(1);

      // The first check of the provider's health is a change, too.
      await until(async () => (await listProviderHealth(database.pool))[0]?.status === 'healthy');
      await listener.query('select 1');
      const quiet = notified;
      const metric = () =>
        registry?.metrics.registry.getSingleMetric('signalbox_registry_refresh_duration_seconds')?.get();
      const rounds = async () =>
        (await metric())?.values.find((value) => 'metricName' in value && String(value.metricName).endsWith('_count'))
          ?.value ?? 0;
      const enough = (await rounds()) + 5;
      await until(async () => (await rounds()) >= enough);
      await listener.query('select 1');
      expect(notified).toBe(quiet);

      await ask(`${url}/models/gpt-6-sol`, 'PATCH', { display_name: 'Sol' });
      await listener.query('select 1');
      expect(notified).toBe(quiet + 1);
    } finally {
      await listener.end();
    }
  });
});

describe('provider health', () => {
  it('takes three failures to be unhealthy and one success to be healthy', async () => {
    const { url } = await restart({ refresh_ms: 3_600_000, health_check_ms: 20 });
    const health = async () => (await ask<ProviderList>(`${url}/providers`)).body.providers[0];
    await until(async () => (await health())?.status === 'healthy');
    expect(await health()).toMatchObject({ consecutive_failures: 0, error: null });

    server.answer(500);
    const seen = new Map<number, string>();
    await until(async () => {
      const now = await health();
      if (now !== undefined) seen.set(now.consecutive_failures, now.status);
      return now?.status === 'unhealthy';
    });
    for (const [failuresInARow, status] of seen) expect(status).toBe(failuresInARow >= 3 ? 'unhealthy' : 'healthy');
    expect((await health())?.error).toContain('answered 500');

    server.answer(200);
    await until(async () => (await health())?.status === 'healthy');
  });
});
