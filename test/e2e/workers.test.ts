import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { findPostmaster } from '../../src/platform/postgres/postmaster.ts';
import {
  makeTestFolder,
  type SignalboxProcess,
  startSignalbox,
  startTestProviders,
  type TestProviders,
} from '../support/app.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { running, withDescendants } from '../support/process-tree.ts';
import { capital, endedAttempts, getJson, patience, postJson, signalboxHeaders, user } from './requests.ts';
import { answerInTwoParts, chunk, event, startUpstream, type Upstream } from './upstream.ts';

const longPatience = { timeout: 30_000, interval: 50 };
/** Kept connections would stay with one worker; new ones go to each in turn. */
const newConnection = { connection: 'close' };

function ask(url: string, signal: AbortSignal | null = null): Promise<Response> {
  return fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...newConnection },
    body: JSON.stringify({ model: 'auto', messages: user(capital) }),
    signal,
  });
}

/** The instances that answer at this address. */
async function instancesAt(url: string): Promise<string[]> {
  const answers = await Promise.all(
    Array.from({ length: 6 }, () => getJson<{ instance_id: string }>(`${url}/health`, { headers: newConnection })),
  );
  return [...new Set(answers.map((answer) => answer.instance_id))].toSorted();
}

/** Which instances answered and published the outcome of a few requests. */
async function publishersOf(router: string, central: string): Promise<string[]> {
  const responses = await Promise.all(Array.from({ length: 6 }, () => ask(router)));
  const attempts = await Promise.all(
    responses.map(async (response) => {
      expect(await response.text()).toContain('Paris');
      const id = signalboxHeaders(response.headers)['decision-id'];
      return endedAttempts({ url: () => central }, id);
    }),
  );
  return [...new Set(attempts.map(([attempt]) => String(attempt?.['instance_id'])))].toSorted();
}

/** A Signalbox that a test of this file started; it ends with its test, however that ends. */
const started: SignalboxProcess[] = [];
function start(args: readonly string[], env: Record<string, string> = {}): SignalboxProcess {
  const child = startSignalbox(args, env);
  started.push(child);
  return child;
}
afterEach(async () => {
  for (const each of started.splice(0)) await killAll(each);
});

async function killAll({ pid }: SignalboxProcess): Promise<void> {
  for (const each of await running(await withDescendants(pid))) process.kill(each, 'SIGKILL');
}

async function workersOf(primary: SignalboxProcess): Promise<number[]> {
  return (await withDescendants(primary.pid)).filter((pid) => pid !== primary.pid);
}

describe.skipIf(process.platform !== 'linux')('two workers of a router', () => {
  let providers: TestProviders;
  let upstream: Upstream;
  let database: TestDatabase;
  let folder: Awaited<ReturnType<typeof makeTestFolder>>;
  let others: SignalboxProcess[];
  /** Of the tests that leave it as it was. */
  let shared: SignalboxProcess;
  let central: string;
  let env: Record<string, string>;

  beforeAll(async () => {
    [providers, upstream, database, folder] = await Promise.all([
      startTestProviders(),
      startUpstream(),
      createTestDatabase(),
      makeTestFolder(),
    ]);
    env = {
      ...providers.environment,
      DATABASE_URL: database.connectionString,
      SIGNALBOX_CONFIG: await folder.writeConfig({ providers: [upstream.provider], workers: 2 }),
      LOG_LEVEL: 'warn',
    };
    const centralProcess = startSignalbox(['serve', 'central'], env);
    others = [centralProcess, startSignalbox(['serve', 'registry'], env)];
    shared = startSignalbox(['serve', 'router'], { ...env, INSTANCE_ID: 'pair' });
    [central] = await Promise.all([centralProcess.url('central'), shared.url('router')]);
  });
  afterAll(async () => {
    await killAll(shared);
    for (const other of others) other.kill('SIGTERM');
    await Promise.all(others.map((other) => other.waitForExit()));
    await Promise.all([providers.stop(), upstream.stop(), folder.remove()]);
    await database.drop();
  });

  it('share a port, publish under their own names, and show the sum of their metrics', async () => {
    const url = await shared.url('router');
    expect(await instancesAt(url)).toEqual(['pair-w1', 'pair-w2']);
    expect(await publishersOf(url, central)).toEqual(['pair-w1', 'pair-w2']);

    const requests = /^signalbox_http_request_duration_seconds_count\{[^}]*chat\/completions[^}]*\} (\d+)$/m;
    for (let worker = 1; worker <= 2; worker += 1) {
      const response = await fetch(`${url}/metrics`, { headers: newConnection });
      expect(requests.exec(await response.text())?.[1]).toBe('6');
    }
  });

  it('lose no later request when one is killed under load, and it comes back', async () => {
    const url = await shared.url('router');
    const before = await workersOf(shared);
    expect(before).toHaveLength(2);
    const sent: Array<{ atMs: number; answered: boolean }> = [];
    const stopping = new AbortController();
    const senders = Array.from({ length: 8 }, async () => {
      while (!stopping.signal.aborted) {
        const request = { atMs: performance.now(), answered: false };
        sent.push(request);
        // What the dead worker had taken on may never be answered.
        const text = await ask(url, AbortSignal.timeout(5000))
          .then((response) => response.text())
          .catch(() => '');
        request.answered = text.includes('Paris');
      }
    });
    await expect.poll(() => sent.length, patience).toBeGreaterThan(50);
    process.kill(before[0] ?? NaN, 'SIGKILL');
    await expect.poll(() => shared.stderr(), patience).toContain('a worker ended');
    const noticedAtMs = performance.now();

    await expect.poll(() => instancesAt(url), longPatience).toEqual(['pair-w1', 'pair-w2']);
    const replaced = await workersOf(shared);
    expect(replaced).toHaveLength(2);
    expect(replaced).not.toContain(before[0]);
    const backAtMs = performance.now();
    await expect.poll(() => sent.filter(({ atMs }) => atMs > backAtMs).length, patience).toBeGreaterThan(50);
    stopping.abort();
    await Promise.all(senders);
    expect(sent.filter(({ atMs, answered }) => atMs > noticedAtMs && !answered)).toEqual([]);
  });

  it('end with the process above them', async () => {
    const pids = await withDescendants(shared.pid);
    expect(pids).toHaveLength(3);
    shared.kill('SIGTERM');
    expect(await shared.waitForExit()).toBe(0);
    expect(await running(pids)).toEqual([]);
  });

  it('finish their streams and end by themselves when the process above them is killed', async () => {
    const router = start(['serve', 'router'], env);
    const url = await router.url('router');
    const workers = await workersOf(router);
    const goOn = answerInTwoParts(upstream, event(chunk({ content: 'Hel' })));
    const response = await postJson(`${url}/v1/chat/completions`, {
      model: 'raw-1',
      messages: user('Hello'),
      stream: true,
    });
    router.kill('SIGKILL');
    await expect.poll(() => running([router.pid]), patience).toEqual([]);
    const rest = event(chunk({ content: 'lo' })) + event(chunk({}, 'stop')) + event('[DONE]');
    goOn((upstreamResponse) => upstreamResponse.end(rest));
    expect(await response.text()).toBe(event(chunk({ content: 'Hel' })) + rest);
    await expect.poll(() => running(workers), longPatience).toEqual([]);
  });

  it('refuse together, with one line', async () => {
    const { port } = new URL(central);
    const cases = [
      [['serve', 'router'], new RegExp(`^error: port ${port} \\(router\\) is in use.*ROUTER_PORT`, 'm')],
      [['serve', 'registry', '--workers', '2'], /^error: --workers is for the router/],
    ] as const;
    for (const [refused, line] of cases.map(
      ([args, said]) => [start(args, { ...env, ROUTER_PORT: port }), said] as const,
    )) {
      expect(await refused.waitForExit()).toBe(1);
      expect(refused.stdout()).toBe('');
      expect(refused.stderr()).toMatch(line);
    }
  });
});

describe.skipIf(process.platform !== 'linux')('up with two workers', () => {
  it('routes in both, and leaves nothing behind', async () => {
    const folder = await makeTestFolder();
    const dataDir = path.join(folder.folder, 'data');
    const config = await folder.writeConfig({ simulator: { time_scale: 0 }, instance_id: 'up' });
    const up = start(['up', '--workers', '2', '--data-dir', dataDir, '--config', config]);
    try {
      const url = await up.url('router');
      expect(await publishersOf(url, await up.url('central'))).toEqual(['up-w1', 'up-w2']);
    } finally {
      const postmaster = await findPostmaster(path.join(dataDir, 'postgres'));
      const pids = [
        ...(await withDescendants(up.pid)),
        ...(postmaster === undefined ? [] : await withDescendants(postmaster.pid)),
      ];
      up.kill('SIGTERM');
      expect(await up.waitForExit()).toBe(0);
      expect(await running(pids)).toEqual([]);
      await folder.remove();
    }
    // A cluster is made and three processes start, which takes a busy machine its time.
  }, 60_000);
});
