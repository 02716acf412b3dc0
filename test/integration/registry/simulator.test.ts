import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Model } from '../../../src/contracts/index.ts';
import { simulatedProviders } from '../../../src/platform/config/resolve-providers.ts';
import { silentLogger } from '../../../src/platform/telemetry/logger.ts';
import { createSimulator, type Simulator } from '../../../src/simulator/simulator.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';
import {
  ask,
  modelIds,
  type ProviderList,
  type RegistryUnderTest,
  startRegistry,
  until,
} from './registry-under-test.ts';

let database: TestDatabase;
let simulator: Simulator;
let registry: RegistryUnderTest;

beforeAll(async () => {
  database = await createTestDatabase();
  simulator = createSimulator({ host: '127.0.0.1', port: 0, seed: 'test', timeScale: 0, log: silentLogger() });
  await simulator.start();
  registry = await startRegistry(database.pool, simulatedProviders(simulator.baseUrl));
});

afterAll(async () => {
  await registry.stop();
  await simulator.stop();
  await database.drop();
});

it('fills the catalogue from both dialects, with the prices of the real models', async () => {
  expect(await modelIds(`${registry.url}/models/provider/sim-openai`)).toEqual(
    expect.arrayContaining(['gpt-6-luna', 'gpt-6-sol', 'text-embedding-3-small']),
  );
  expect(await modelIds(`${registry.url}/models/provider/sim-anthropic`)).toEqual(
    expect.arrayContaining(['claude-haiku-4-5', 'claude-opus-5-5', 'claude-sonnet-5']),
  );
  const { body } = await ask<Model>(`${registry.url}/models/claude-sonnet-5`);
  expect(body).toMatchObject({
    provider: 'sim-anthropic',
    status: 'stable',
    costs: { input_tokens_per_1k: 0.002, output_tokens_per_1k: 0.01 },
  });
});

it('offers stable models and refiners', async () => {
  expect(await modelIds(`${registry.url}/models/refiners`)).toEqual(
    expect.arrayContaining(['gpt-6-luna', 'claude-haiku-4-5']),
  );
  expect(await modelIds(`${registry.url}/models/stable`)).toEqual(
    expect.arrayContaining(['gpt-6-luna', 'gpt-6-sol', 'claude-sonnet-5', 'claude-opus-5-5']),
  );
});

it('sees that both answer', async () => {
  const health = async () => (await ask<ProviderList>(`${registry.url}/providers`)).body.providers;
  await until(async () => (await health()).every((provider) => provider.last_checked_at !== null));
  expect(await health()).toMatchObject([
    { provider: 'sim-anthropic', status: 'healthy', simulated: true },
    { provider: 'sim-openai', status: 'healthy', simulated: true },
  ]);
});
