import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningApp, startApp } from '../../src/app.ts';
import { auditPageSchema } from '../../src/contracts/audit.ts';
import type { ConfigAnswer } from '../../src/contracts/config-api.ts';
import type { Key, KeyWithSecret } from '../../src/contracts/keys.ts';
import { createLiveConfig, firstState } from '../../src/platform/config/live.ts';
import { readConfig } from '../../src/platform/config/load.ts';
import { type ConfigWatcher, createConfigWatcher } from '../../src/platform/config/watch.ts';
import { silentLogger } from '../../src/platform/telemetry/logger.ts';
import { createMetrics } from '../../src/platform/telemetry/metrics.ts';
import { freePorts, makeTestFolder, startSignalbox, startTestProviders, type TestProviders } from '../support/app.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { capital, getJson, patience, postJson, user } from './requests.ts';
import { answerInTwoParts, answerJson, chunk, completion, event, startUpstream, type Upstream } from './upstream.ts';

const oldKey = 'first-master-key-0123';
const newKey = 'second-master-key-4567';

let providers: TestProviders;
let raw: Upstream;
let second: Upstream;
let failing: Upstream;
let database: TestDatabase;
let folder: Awaited<ReturnType<typeof makeTestFolder>>;
let file: string;
let app: RunningApp;
let watcher: ConfigWatcher;
let routerUrl: string;

const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
const stateOf = (url: string, key: string) => getJson<ConfigAnswer>(`${url}/config`, { headers: bearer(key) });
const metricsOf = async (key: string): Promise<string> =>
  (await fetch(`${routerUrl}/metrics`, { headers: bearer(key) })).text();
const urlOf = (service: keyof RunningApp['ports']): string => `http://127.0.0.1:${app.ports[service] ?? ''}`;

function configWith(more: Record<string, unknown>): Record<string, unknown> {
  return {
    master_key: oldKey,
    routing: { exploration: { enabled: false } },
    resilience: { ejection: { base_ejection_ms: 600_000, max_ejection_ms: 600_000 } },
    providers: [raw.provider, failing.provider],
    ...more,
  };
}

beforeAll(async () => {
  [providers, raw, second, failing, database, folder] = await Promise.all([
    startTestProviders(),
    startUpstream(),
    startUpstream({ name: 'second' }),
    startUpstream({ name: 'failing' }),
    createTestDatabase(),
    makeTestFolder(),
  ]);
  failing.answer = (response) => answerJson(response, { error: { message: 'broken' } }, 500);
  file = await folder.writeConfig(configWith({}));
  const load = {
    env: { ...freePorts, ...providers.environment, DATABASE_URL: database.connectionString },
    cwd: folder.folder,
    file,
  };
  const { config, fileHash } = readConfig(load);
  if (config === null) throw new Error('the configuration of the test is wrong');
  const live = createLiveConfig(config, firstState(config, fileHash));
  const log = silentLogger();
  app = await startApp({
    config: live,
    services: ['registry', 'router', 'central'],
    embeddedDatabase: false,
    simulator: false,
    log,
    metrics: createMetrics(),
  });
  watcher = createConfigWatcher({ live, load, log });
  await watcher.start();
  routerUrl = urlOf('router');
});
afterAll(async () => {
  await watcher.stop();
  await app.stop();
  await Promise.all([providers.stop(), raw.stop(), second.stop(), failing.stop(), folder.remove()]);
  await database.drop();
});

function ask(model: string, key = oldKey): Promise<Response> {
  return postJson(`${routerUrl}/v1/chat/completions`, { model, messages: user(capital), max_tokens: 20 }, bearer(key));
}

describe('a new configuration under load', () => {
  it('loses no request, and keeps a stream, a circuit and a budget', { timeout: 60_000 }, async () => {
    // A circuit that is open, for ten minutes.
    for (let call = 0; call < 6; call += 1) await (await ask('failing/failing-1')).text();
    await expect
      .poll(() => metricsOf(oldKey), patience)
      .toMatch(/signalbox_upstream_ejected\{target="failing[^}]*\} 1/);
    // A budget that is partly spent.
    const made = (await (
      await postJson(
        `${urlOf('central')}/keys`,
        { name: 'k', budget: { limit_usd: 5, period: 'month' } },
        bearer(oldKey),
      )
    ).json()) as KeyWithSecret;
    await expect.poll(async () => (await ask('auto', made.key)).status, patience).toBe(200);
    const spent = async (): Promise<number> =>
      (await getJson<Key>(`${urlOf('central')}/keys/${made.key_id}`, { headers: bearer(oldKey) })).budget?.spent_usd ??
      0;
    await expect.poll(spent, patience).toBeGreaterThan(0);
    const spentBefore = await spent();
    // A stream that is half told.
    const goOn = answerInTwoParts(raw, event(chunk({ content: 'Hel' })));
    const stream = await postJson(
      `${routerUrl}/v1/chat/completions`,
      { model: 'raw/raw-1', messages: user('Hello'), stream: true },
      bearer(oldKey),
    );
    expect(stream.status).toBe(200);

    const failures: string[] = [];
    let answered = 0;
    const stopping = new AbortController();
    const senders = Array.from({ length: 4 }, async () => {
      while (!stopping.signal.aborted) {
        const response = await ask('auto');
        const text = await response.text();
        if (response.status === 200 && text.includes('Paris')) answered += 1;
        else failures.push(`${response.status} ${text}`);
      }
    });
    await expect.poll(() => answered, patience).toBeGreaterThan(20);

    // The provider of the stream is gone, another is there, the key is another, and much else.
    await folder.writeConfig(
      configWith({
        master_key: newKey,
        previous_master_keys: [oldKey],
        providers: [second.provider, failing.provider],
        routing: { exploration: { enabled: false }, aliases: { mine: ['second/second-1'] }, deny: ['gpt-5.4*'] },
        resilience: { ejection: { base_ejection_ms: 500_000, max_ejection_ms: 600_000 }, hedge: { enabled: true } },
        deadlines: { complete_ms: { simple: 50_000 } },
        limits: { wait_ms: 900 },
        upstream: { connections: 100 },
        log_level: 'silent',
        events: { batch_size: 50 },
      }),
    );
    await expect.poll(async () => (await stateOf(routerUrl, oldKey)).version, patience).toBe(2);
    const answeredBefore = answered;
    await expect.poll(() => answered, patience).toBeGreaterThan(answeredBefore + 20);
    stopping.abort();
    await Promise.all(senders);
    expect(failures).toEqual([]);

    const rest = event(chunk({ content: 'lo' })) + event(chunk({}, 'stop')) + event('[DONE]');
    goOn((response) => response.end(rest));
    expect(await stream.text()).toBe(event(chunk({ content: 'Hel' })) + rest);

    expect(await metricsOf(newKey)).toMatch(/signalbox_upstream_ejected\{target="failing[^}]*\} 1/);
    expect(await spent()).toBeGreaterThanOrEqual(spentBefore);
    expect((await ask('auto', made.key)).status).toBe(200);
    expect(await stateOf(routerUrl, newKey)).toMatchObject({ needs_restart: ['events.batch_size'], problem: null });
  });

  it('has its new providers, names and keys in use, and the old ones no more', async () => {
    expect((await ask('raw/raw-1')).status).toBe(404);
    await expect.poll(async () => (await ask('second-1')).status, patience).toBe(200);
    second.answer = (response) => answerJson(response, completion('by its alias'));
    expect(await (await ask('mine')).text()).toContain('by its alias');
    const { data } = await getJson<{ data: Array<{ id: string }> }>(`${routerUrl}/v1/models`, {
      headers: bearer(oldKey),
    });
    expect(data.map(({ id }) => id)).toEqual(expect.arrayContaining(['mine', 'second/second-1']));

    const config = configWith({ master_key: newKey, providers: [second.provider, failing.provider] });
    await folder.writeConfig(config);
    await expect.poll(async () => (await ask('auto')).status, patience).toBe(401);
    expect((await ask('auto', newKey)).status).toBe(200);
    for (const service of ['registry', 'central'] as const) {
      expect((await fetch(`${urlOf(service)}/config`, { headers: bearer(oldKey) })).status).toBe(401);
      expect(JSON.stringify(await stateOf(urlOf(service), newKey))).not.toContain(newKey);
    }
  });

  it('gives a provider whose key is another one a new start, and a new read-only key its rights', async () => {
    expect(await metricsOf(newKey)).toContain('target="failing');
    const providersNow = [second.provider, { ...failing.provider, api_key: 'another' }];
    const readKey = 'only-to-look-0123456789';
    expect((await fetch(`${urlOf('central')}/config`, { headers: bearer(readKey) })).status).toBe(401);
    await folder.writeConfig(configWith({ master_key: newKey, read_key: readKey, providers: providersNow }));
    await expect.poll(() => metricsOf(newKey), patience).not.toContain('target="failing');
    expect(JSON.stringify(await stateOf(urlOf('central'), readKey))).not.toContain(readKey);
  });

  it('that is wrong changes nothing, and is told of where one looks', async () => {
    const { version } = await stateOf(routerUrl, newKey);
    await writeFile(file, 'master_key: short\nrouting: { weigths: 1 }\n');
    await expect.poll(async () => (await stateOf(routerUrl, newKey)).problem, patience).toContain('routing.weigths');
    const health = await getJson<{
      status: string;
      config_version: number;
      checks: Record<string, { detail?: string }>;
    }>(`${routerUrl}/health`);
    expect(health).toMatchObject({ status: 'ok', config_version: version });
    expect(health.checks['configuration']?.detail).toMatch(/not taken over: .*routing\.weigths: unknown key/);
    expect(JSON.stringify(health)).not.toContain('short\n');
    expect(await metricsOf(newKey)).toContain('signalbox_config_last_reload_successful 0');
    expect((await ask('auto', newKey)).status).toBe(200);
  });

  it('is in the audit log, what changed of it and what was refused, without a secret', async () => {
    const reloads = async () => {
      const url = `${urlOf('central')}/audit?action=config.reload`;
      return auditPageSchema.parse(await getJson(url, { headers: bearer(newKey) })).entries;
    };
    await expect.poll(async () => (await reloads())[0]?.outcome, patience).toBe('refused');
    const [first] = (await reloads()).toReversed();
    expect(first).toMatchObject({
      author: { credential: 'file', key_name: null, address: null },
      before: { 'limits.wait_ms': 1000, 'routing.deny': [], master_key: expect.stringMatching(/^\[secret /) as string },
      after: { 'limits.wait_ms': 900, 'routing.deny': ['gpt-5.4*'] },
      outcome: 'done',
    });
    const text = JSON.stringify(await reloads());
    for (const secret of [oldKey, newKey, 'only-to-look-0123456789']) expect(text).not.toContain(secret);
  });

  it('is known to central, with which each router works', async () => {
    const { version, file_hash: hash } = await stateOf(routerUrl, newKey);
    await expect
      .poll(async () => getJson(`${urlOf('central')}/instances`, { headers: bearer(newKey) }), patience)
      .toMatchObject({ instances: [{ config_version: version, config_hash: hash }] });
  });
});

describe.skipIf(process.platform !== 'linux')('workers of a router', () => {
  it('all take the same new configuration, by a signal or by themselves', { timeout: 60_000 }, async () => {
    const own = await makeTestFolder();
    // Ready at once: its models are in the catalogue.
    const first = { workers: 2, instance_id: 'both', providers: [{ ...second.provider, api_key_env: 'SECOND_KEY' }] };
    const config = await own.writeConfig(first);
    const router = startSignalbox(['serve', 'router', '--config', config], {
      DATABASE_URL: database.connectionString,
      SECOND_KEY: 'sk-one',
      LOG_LEVEL: 'warn',
    });
    try {
      const url = await router.url('router');
      const versions = async (): Promise<string[]> => {
        const answers = await Promise.all(
          Array.from({ length: 6 }, () =>
            getJson<{ instance_id: string; config_version: number }>(`${url}/health`, {
              headers: { connection: 'close' },
            }),
          ),
        );
        return [...new Set(answers.map((each) => `${each.instance_id} ${each.config_version}`))].sort();
      };
      expect(await versions()).toEqual(['both-w1 1', 'both-w2 1']);
      const wanted = { ...first, retries: { same_model: 3 } };
      await own.writeConfig(wanted);
      router.kill('SIGHUP');
      await expect.poll(versions, patience).toEqual(['both-w1 2', 'both-w2 2']);

      await own.writeConfig({ ...wanted, retries: { same_model: 2 }, workers: 3 });
      await expect.poll(versions, patience).toEqual(['both-w1 3', 'both-w2 3']);
      const diff = startSignalbox(['config', 'diff', config, '--url', url, '--json'], {
        SECOND_KEY: 'sk-two',
        LOG_LEVEL: 'warn',
      });
      expect(await diff.waitForExit()).toBe(0);
      const { changes } = JSON.parse(diff.stdout()) as { changes: Array<{ path: string; needsRestart: boolean }> };
      expect(changes.map(({ path, needsRestart }) => [path, needsRestart])).toEqual([
        ['database_url', true],
        ['providers.second.api_keys', false],
        ['workers', true],
      ]);
      router.kill('SIGTERM');
      expect(await router.waitForExit()).toBe(0);
    } finally {
      router.kill('SIGKILL');
      await own.remove();
    }
  });
});
