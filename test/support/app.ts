import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import OpenAI from 'openai';
import { type RunningApp, startApp } from '../../src/app.ts';
import { type ServiceName, serviceNameSchema } from '../../src/contracts/api.ts';
import { createLiveConfig } from '../../src/platform/config/live.ts';
import { loadConfig } from '../../src/platform/config/load.ts';
import { silentLogger } from '../../src/platform/telemetry/logger.ts';
import { createMetrics, type Metrics } from '../../src/platform/telemetry/metrics.ts';
import { defaultProfiles } from '../../src/simulator/default-profiles.ts';
import type { FaultRule } from '../../src/simulator/faults.ts';
import type { ModelProfile } from '../../src/simulator/profile.ts';
import { createSimulator } from '../../src/simulator/simulator.ts';
import type { ModelStats } from '../../src/simulator/stats.ts';
import { type Child, runScript } from './child-process.ts';
import { createTestDatabase, type TestDatabase } from './postgres.ts';

/** OpenAI's and Anthropic's stand-in: answers at once, always right, and fails only as it is told to. */
export interface TestProviders {
  baseUrl: string;
  /** Makes Signalbox use it as its two providers. */
  environment: Record<string, string>;
  fail(rule: Pick<FaultRule, 'fault'> & Partial<FaultRule>): Promise<void>;
  /** Ends all faults, and makes it answer as after its start. */
  reset(): Promise<void>;
  stats(model: string): Promise<ModelStats | undefined>;
  stop(): Promise<void>;
}

export const providerKeys = { openai: 'sk-provider-openai-3f9a1c', anthropic: 'sk-provider-anthropic-7be204' };

export async function startTestProviders(profiles: readonly ModelProfile[] = perfectProfiles): Promise<TestProviders> {
  const log = silentLogger();
  const simulator = createSimulator({ host: '127.0.0.1', port: 0, seed: 'test', timeScale: 0, profiles, log });
  await simulator.start();
  const { baseUrl } = simulator;

  async function control(method: string, route: string, body?: unknown): Promise<unknown> {
    const response = await fetch(`${baseUrl}/sim/${route}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    if (!response.ok) throw new Error(`the simulator refused ${route}: ${await response.text()}`);
    return response.json();
  }

  return {
    baseUrl,
    environment: {
      OPENAI_API_KEY: providerKeys.openai,
      OPENAI_BASE_URL: `${baseUrl}/v1`,
      ANTHROPIC_API_KEY: providerKeys.anthropic,
      ANTHROPIC_BASE_URL: `${baseUrl}/v1`,
    },
    async fail(rule) {
      await control('POST', 'faults', rule);
    },
    async reset() {
      await control('POST', 'reset');
    },
    async stats(model) {
      const { models } = (await control('GET', 'stats')) as { models: Record<string, ModelStats> };
      return models[model];
    },
    stop: () => simulator.stop(),
  };
}

const perfectProfiles: readonly ModelProfile[] = defaultProfiles.map((profile) => ({
  ...profile,
  error_rate: 0,
  quality: { simple: 1, medium: 1, complex: 1 },
}));

export interface TestApp {
  providers: TestProviders;
  database: TestDatabase;
  /** Of the router; it does not try again by itself. */
  client: OpenAI;
  /** Address of a service, without a slash at the end. */
  url(service: ServiceName): string;
  stop(): Promise<void>;
}

/** All four services in this process, on a database of their own, with simulated providers that the test controls. */
export async function startTestApp(
  options: { config?: Record<string, unknown>; metrics?: Metrics } = {},
): Promise<TestApp> {
  const releasers: Array<() => Promise<void>> = [];
  async function stop(): Promise<void> {
    for (let release = releasers.pop(); release !== undefined; release = releasers.pop()) await release();
  }
  try {
    const providers = await startTestProviders();
    releasers.push(() => providers.stop());
    const database = await createTestDatabase();
    releasers.push(() => database.drop());
    const app = await startApp({
      config: createLiveConfig(
        loadConfig({
          env: { ...freePorts, ...providers.environment, DATABASE_URL: database.connectionString },
          cwd: folderWithoutConfig,
          flags: {
            ...options.config,
            routing: { ...alwaysTheBest, ...(options.config?.['routing'] as object | undefined) },
          },
        }),
      ),
      services: serviceNameSchema.options,
      embeddedDatabase: false,
      simulator: false,
      log: silentLogger(),
      metrics: options.metrics ?? createMetrics(),
    });
    releasers.push(() => app.stop());
    const url = (service: ServiceName): string => addressOf(app.ports, service);
    return { providers, database, client: openAiClient(url('router')), url, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** So that a test knows which model answers. */
export const alwaysTheBest = { exploration: { enabled: false } };

const folderWithoutConfig = import.meta.dirname;

export const freePorts = { REGISTRY_PORT: '0', ROUTER_PORT: '0', UPGRADE_PORT: '0', CENTRAL_PORT: '0' };

export function openAiClient(routerUrl: string, apiKey = 'sk-client'): OpenAI {
  return new OpenAI({ baseURL: `${routerUrl}/v1`, apiKey, maxRetries: 0, logLevel: 'off' });
}

function addressOf(ports: RunningApp['ports'], service: ServiceName): string {
  const port = ports[service];
  if (port === undefined) throw new Error(`${service} does not run`);
  return `http://127.0.0.1:${port}`;
}

export interface SignalboxProcess extends Child {
  /** Waits until it is ready. */
  url(service: ServiceName): Promise<string>;
}

/**
 * The command line in a process of its own and a process group of its own, as `signalbox ARGS`. Of the environment it has
 * what is given and nothing of this machine's, so that a developer's keys and files have no part in a test.
 */
export function startSignalbox(args: readonly string[], env: Record<string, string> = {}): SignalboxProcess {
  const child = runScript('src/cli/main.ts', args, {
    cwd: folderWithoutConfig,
    env: { PATH: process.env['PATH'], HOME: tmpdir(), ...freePorts, ...env },
    detached: true,
  });
  return {
    ...child,
    async url(service) {
      const { ports } = await child.waitForLine<{ ports: RunningApp['ports'] }>((line) => line['ready'] === true);
      return addressOf(ports, service);
    },
  };
}

/** A folder that is removed by `remove`; `writeConfig` puts a configuration file into it. */
export async function makeTestFolder(): Promise<{
  folder: string;
  writeConfig(config: Record<string, unknown>): Promise<string>;
  remove(): Promise<void>;
}> {
  const folder = await mkdtemp(path.join(tmpdir(), 'signalbox-e2e-'));
  return {
    folder,
    async writeConfig(config) {
      const file = path.join(folder, 'signalbox.yaml');
      // Every JSON document is a YAML document.
      await writeFile(file, JSON.stringify(config));
      return file;
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
