import { afterEach, beforeEach, expect, it } from 'vitest';
import { type RunningApp, startApp } from '../../src/app.ts';
import type { ServiceName } from '../../src/contracts/api.ts';
import type { Model } from '../../src/contracts/model.ts';
import type { Evaluation } from '../../src/contracts/upgrade-api.ts';
import { createLiveConfig } from '../../src/platform/config/live.ts';
import { loadConfig } from '../../src/platform/config/load.ts';
import { silentLogger } from '../../src/platform/telemetry/logger.ts';
import { createMetrics } from '../../src/platform/telemetry/metrics.ts';
import { alwaysTheBest, freePorts, startTestProviders, type TestProviders } from '../support/app.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { getJson, patience, postJson, user } from './requests.ts';

// The whole life of a new model, in accelerated time: a provider, two routers, a real database and real HTTP between them.

let providers: TestProviders;
let database: TestDatabase;
let apps: RunningApp[] = [];
let routers: string[] = [];
let registry = '';
let upgrade = '';
/** The model that `auto` takes for the question of the test. */
let control = '';

const question = 'What is the capital of France?';

beforeEach(async () => {
  providers = await startTestProviders();
  database = await createTestDatabase();
});
afterEach(async () => {
  for (const app of apps.toReversed()) await app.stop();
  apps = [];
  await providers.stop();
  await database.drop();
});

async function start(services: readonly ServiceName[], name: string, config: object): Promise<RunningApp> {
  const app = await startApp({
    config: createLiveConfig(
      loadConfig({
        env: {
          ...freePorts,
          OPENAI_API_KEY: 'sk-test',
          OPENAI_BASE_URL: `${providers.baseUrl}/v1`,
          DATABASE_URL: database.connectionString,
          INSTANCE_ID: name,
        },
        cwd: import.meta.dirname,
        flags: {
          routing: alwaysTheBest,
          registry: { refresh_ms: 200 },
          retries: { backoff_ms: 1, same_model: 0 },
          // Whoever is tried is called, so that it is seen to fail.
          resilience: { ejection: { consecutive_failures: 100 }, throttle: { enabled: false } },
          ...config,
        },
      }),
    ),
    services,
    embeddedDatabase: false,
    simulator: false,
    log: silentLogger(),
    metrics: createMetrics(),
  });
  apps.push(app);
  return app;
}

const urlOf = (app: RunningApp, service: ServiceName): string => `http://127.0.0.1:${app.ports[service] ?? 0}`;

/** All services, two routers, and a catalogue that is an hour old: what its provider lists now is new. */
async function startFleet(upgradeConfig: object): Promise<void> {
  const config = { upgrade: { mode: 'auto', ...upgradeConfig } };
  const base = await start(['registry', 'central', 'upgrade'], 'base', config);
  registry = urlOf(base, 'registry');
  upgrade = urlOf(base, 'upgrade');
  routers = [];
  for (const name of ['one', 'two']) routers.push(urlOf(await start(['router'], name, config), 'router'));
  await database.pool.query("update models set created_at = created_at - interval '1 hour'");
  control = (await ask('first')).model;
  expect(control).toMatch(/^gpt-/);
}

let asked = 0;

/** One request of a user, in a conversation of its own, by either router. */
async function ask(session = `session ${(asked += 1)}`): Promise<{ status: number; model: string }> {
  const response = await postJson(`${routers[asked % 2]}/v1/chat/completions`, {
    model: 'auto',
    messages: user(question),
    max_tokens: 20,
    session_id: session,
  });
  await response.text();
  return { status: response.status, model: response.headers.get('x-signalbox-model') ?? '' };
}

/** Users go on asking until something is so; all of them are answered. Who answered before the last twenty of them. */
async function askUntil(isSo: () => Promise<boolean>, most: number): Promise<Set<string>> {
  const before = new Set<string>();
  let lately: string[] = [];
  for (let count = 0; count < most; count += 20) {
    for (const model of lately) before.add(model);
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask()));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    lately = answers.map(({ model }) => model);
    if (await isSo()) return before;
  }
  throw new Error(`not within ${most} requests: ${JSON.stringify(await evaluation())}`);
}

async function evaluation(): Promise<Evaluation | undefined> {
  return (await getJson<{ evaluations: Evaluation[] }>(`${upgrade}/evaluations`)).evaluations[0];
}

const stateIs = (state: string) => async (): Promise<boolean> => (await evaluation())?.state === state;

async function statusOf(model: string): Promise<string | undefined> {
  const { rows } = await database.pool.query<{ status: string }>('select status from models where model_id = $1', [
    model,
  ]);
  return rows[0]?.status;
}

/** The newer version of the model that answers: of the same family, as good as told. */
async function bringOut(changes: object): Promise<string> {
  const id = control.replace(/\d+(\.\d+)?/, '9');
  const response = await fetch(`${providers.baseUrl}/sim/models`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ id, quality: { simple: 1, medium: 1, complex: 1 }, error_rate: 0, ...changes }),
  });
  expect(response.status).toBe(201);
  await expect.poll(() => statusOf(id), patience).toBe('candidate');
  await describeAs(id, control);
  expect((await postJson(`${upgrade}/discover`, {})).status).toBe(200);
  expect(await evaluation()).toMatchObject({ candidate: { model_id: id }, control: { model_id: control } });
  return id;
}

/** What the catalogue would know of a real model: as able and as dear as another one. */
async function describeAs(id: string, other: string): Promise<void> {
  const { capabilities, modalities, context_window, max_output_tokens, costs } = await getJson<Model>(
    `${registry}/models/${other}`,
  );
  const response = await fetch(`${registry}/models/${id}`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ capabilities, modalities, context_window, max_output_tokens, costs }),
  });
  expect(response.status).toBe(200);
}

async function logOf(rolloutId: string): Promise<string[]> {
  const { log } = await getJson<{ log: Array<{ event: string; to_state: string; to_stage: number }> }>(
    `${upgrade}/rollouts/${rolloutId}/log`,
  );
  return log.map(({ to_state: state, to_stage: stage }) => (state === 'canary' ? `canary ${stage}` : state));
}

const impatient = {
  shadow: { share: 0.05, min_hours: 0, min_pairs: 10 },
  canary: { shares: [0.2, 0.5], min_hours: [0, 0], margin: 4, acceptable_error_rate: 0.2 },
  // A good one may be sent back by chance: not in a test.
  alpha: { errors: 1e-6, quality: 1e-6, slowness: 1e-6 },
};

it('a good model goes from its appearance to all of the traffic, and back when it becomes worse', async () => {
  await startFleet(impatient);
  const candidate = await bringOut({});
  await expect.poll(evaluation, patience).toMatchObject({ state: 'shadow', share: 0.05 });
  // Nobody is answered by it before it was compared.
  const before = await askUntil(stateIs('canary'), 4000);
  expect(before.has(candidate)).toBe(false);
  await askUntil(stateIs('promoted'), 4000);
  expect(await statusOf(candidate)).toBe('stable');
  expect(await statusOf(control)).toBe('deprecated');
  await expect.poll(async () => (await ask()).model, patience).toBe(candidate);
  const rollout = await evaluation();
  const steps = ['proposed', 'shadow', 'canary 0', 'canary 1', 'promoted'];
  expect(await logOf(rollout?.rollout_id ?? '')).toEqual(steps);

  // Its provider changes it without a word: the learner raises the alarm, and users have the model before.
  await providers.fail({ fault: 'http_500', model: candidate });
  await askUntil(stateIs('rolled_back'), 4000);
  expect(await evaluation()).toMatchObject({
    reason: expect.stringMatching(/^after the promotion it became worse in simple requests/) as string,
  });
  expect(await logOf(rollout?.rollout_id ?? '')).toEqual([...steps, 'rolled_back']);
  expect([await statusOf(candidate), await statusOf(control)]).toEqual(['candidate', 'stable']);
  await expect.poll(async () => (await ask()).model, patience).toBe(control);
}, 120_000);

it('a bad model is sent back, no user notices, and within a second nobody is sent to it', async () => {
  await startFleet({ ...impatient, shadow: { share: 0 } });
  const candidate = await bringOut({ error_rate: 0.6 });
  await expect.poll(evaluation, patience).toMatchObject({ state: 'canary', share: 0.2 });
  await askUntil(stateIs('rolled_back'), 4000);
  const rolledBackAt = performance.now();
  expect(await statusOf(candidate)).toBe('candidate');
  expect(await statusOf(control)).toBe('stable');
  const rollout = await evaluation();
  expect(rollout?.reason).toMatch(/error/);
  const steps = await logOf(rollout?.rollout_id ?? '');
  expect(steps.slice(0, 2)).toEqual(['proposed', 'canary 0']);
  expect(steps.at(-1)).toBe('rolled_back');
  expect(steps).not.toContain('promoted');

  await askUntil(async () => performance.now() - rolledBackAt > 1000, 100_000);
  const calls = (await providers.stats(candidate))?.requests ?? 0;
  expect(calls).toBeGreaterThan(0);
  for (let round = 0; round < 10; round += 1) await Promise.all(Array.from({ length: 20 }, () => ask()));
  expect((await providers.stats(candidate))?.requests).toBe(calls);
  // Not tried again while it is what it was.
  expect((await postJson(`${upgrade}/discover`, {})).status).toBe(200);
  expect(await evaluation()).toMatchObject({ rollout_id: rollout?.rollout_id, state: 'rolled_back' });
}, 120_000);
