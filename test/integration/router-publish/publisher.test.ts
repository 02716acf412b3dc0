import { appendFile, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../../src/platform/postgres/embedded.ts';
import { migrate } from '../../../src/platform/postgres/migrate.ts';
import { createPool, type Pool } from '../../../src/platform/postgres/pool.ts';
import { silentLogger } from '../../../src/platform/telemetry/logger.ts';
import { type Child, parseLines, runScript } from '../../support/child-process.ts';
import { numberOf, oneTo } from './support.ts';

let serverDir: string;
let dataDir: string;
let server: EmbeddedPostgres;
let pool: Pool;
const started: Child[] = [];
const patience = { timeout: 20_000, interval: 20 };

beforeAll(async () => {
  serverDir = await mkdtemp(path.join(tmpdir(), 'signalbox-publish-'));
  await startServer();
  pool = createPool({
    connectionString: server.connectionString,
    applicationName: 'test',
    max: 2,
    log: silentLogger(),
  });
  await migrate(pool, { log: silentLogger() });
});
afterAll(async () => {
  await pool.end();
  await server.stop();
  await rm(serverDir, { recursive: true, force: true });
});
beforeEach(async () => {
  dataDir = await mkdtemp(path.join(tmpdir(), 'signalbox-outbox-'));
});
afterEach(async () => {
  for (const child of started.splice(0)) {
    child.kill('SIGKILL');
    await child.waitForExit();
  }
  await rm(dataDir, { recursive: true, force: true });
});

async function startServer(): Promise<void> {
  server = await startEmbeddedPostgres({ dataDir: serverDir, log: silentLogger() });
}

function produce(instanceId: string, first: number, last: number): Child {
  const args = [server.connectionString, dataDir, instanceId, String(first), String(last)];
  const child = runScript('test/support/publisher-process.ts', args);
  started.push(child);
  return child;
}

async function queued(instanceId: string): Promise<number[]> {
  const { rows } = await pool.query<{ event_id: string }>(
    `select message->>'event_id' as event_id from pgmq.q_model_routing_decisions
     where message->>'instance_id' = $1 order by msg_id`,
    [instanceId],
  );
  return rows.map(numberOf);
}

/** In the order in which each came first: a crash between sending and forgetting repeats events. */
async function distinct(instanceId: string): Promise<number[]> {
  return [...new Set(await queued(instanceId))];
}

interface Report {
  published: number;
  durable: number;
  outbox: number;
  dropped: number;
  replayed: number;
}

function untilReport(child: Child, matches: (report: Report) => boolean): Promise<Report> {
  return child.waitForLine<Report & Record<string, unknown>>(
    (line) => 'durable' in line && matches(line as unknown as Report),
  );
}

function lastReport(child: Child): Report | undefined {
  return parseLines(child.stdout()).findLast((line) => 'durable' in line) as Report | undefined;
}

async function outboxFiles(): Promise<string[]> {
  const names = await readdir(path.join(dataDir, 'outbox'), { recursive: true }).catch(() => []);
  return names.filter((name) => name.endsWith('.jsonl'));
}

async function end(child: Child): Promise<void> {
  child.kill('SIGTERM');
  expect(await child.waitForExit()).toBe(0);
  expect(child.stderr()).not.toContain('unhandled');
}

test('events of an outage wait on disk and come in their order, before those after it', async () => {
  const producer = produce('outage', 1, 6000);
  await untilReport(producer, ({ durable }) => durable >= 500);
  await server.stop();
  const away = await untilReport(producer, ({ outbox }) => outbox >= 1000);
  await startServer();
  await expect.poll(() => lastReport(producer), patience).toMatchObject({ durable: 6000, outbox: 0, dropped: 0 });
  expect(await distinct('outage')).toEqual(oneTo(6000));
  expect(lastReport(producer)?.replayed).toBeGreaterThanOrEqual(away.outbox);
  expect(await outboxFiles()).toEqual([]);
  await end(producer);
}, 60_000);

test('all that was published outlasts kill -9 in the middle of writing, and the next process sends it first', async () => {
  await server.stop();
  const killed = produce('killed', 1, 1_000_000);
  await untilReport(killed, ({ outbox }) => outbox >= 1000);
  killed.kill('SIGKILL');
  await killed.waitForExit();
  const { published = 0 } = lastReport(killed) ?? {};
  const [lastFile = ''] = (await outboxFiles()).sort().slice(-1);
  await appendFile(path.join(dataDir, 'outbox', lastFile), '{"timestamp":"2026-01-01T00:00:00.000Z","inst');

  await startServer();
  const next = produce('killed', 2_000_001, 2_000_100);
  await expect.poll(() => lastReport(next), patience).toMatchObject({ durable: 2_000_100, outbox: 0 });
  await expect.poll(async () => (await queued('killed')).at(-1), patience).toBe(2_000_100);
  const arrived = await distinct('killed');
  const ofKilled = arrived.filter((number) => number < 2_000_000);
  expect(ofKilled.length).toBeGreaterThanOrEqual(published);
  expect(arrived).toEqual([...oneTo(ofKilled.length), ...oneTo(100).map((number) => 2_000_000 + number)]);
  expect(await outboxFiles()).toEqual([]);
  await end(next);
}, 60_000);

test('killed while it sends what was on disk, it sends some twice and loses none', async () => {
  await server.stop();
  const first = produce('resumed', 1, 8000);
  await untilReport(first, ({ outbox }) => outbox === 8000);
  await startServer();
  await untilReport(first, ({ replayed }) => replayed >= 500);
  first.kill('SIGKILL');
  await first.waitForExit();
  const second = produce('resumed', 8001, 8100);
  await expect.poll(() => lastReport(second), patience).toMatchObject({ durable: 8100, outbox: 0 });
  await expect.poll(() => distinct('resumed'), patience).toEqual(oneTo(8100));
  await end(second);
}, 60_000);

test('SIGTERM while PostgreSQL is away leaves every event on disk, within seconds', async () => {
  await server.stop();
  const stopped = produce('stopped', 1, 1_000_000);
  await untilReport(stopped, ({ durable }) => durable >= 500);
  const sentAt = performance.now();
  await end(stopped);
  expect(performance.now() - sentAt).toBeLessThan(10_000);
  const { published } = await stopped.waitForLine<{ published: number }>((line) => line['stopped'] === true);

  await startServer();
  const next = produce('stopped', published + 1, published + 10);
  await expect.poll(() => lastReport(next), patience).toMatchObject({ durable: published + 10, outbox: 0 });
  await expect.poll(() => queued('stopped'), patience).toEqual(oneTo(published + 10));
  await end(next);
}, 60_000);

test('several processes, even of one name, keep files of their own, and none takes those of a living one', async () => {
  const names = ['shared', 'shared', 'worker-1', 'worker-2'];
  await server.stop();
  const producers = names.map((name, index) => produce(name, index * 10_000 + 1, index * 10_000 + 600));
  for (const producer of producers) await untilReport(producer, ({ outbox }) => outbox === 600);
  // Journals have nothing left, or soon.
  await expect
    .poll(async () => new Set((await outboxFiles()).map((file) => path.dirname(file))).size, patience)
    .toBe(4);
  // One dies while the others live; its successor finds its files among theirs.
  producers[2]?.kill('SIGKILL');
  await producers[2]?.waitForExit();
  await startServer();
  producers[2] = produce('worker-1', 20_601, 20_700);
  const living = producers.map((producer) => producer);
  for (const producer of living)
    await expect.poll(() => lastReport(producer), patience).toMatchObject({ outbox: 0, dropped: 0 });
  const numbers = (from: number, count: number): number[] => oneTo(count).map((number) => from + number);
  await expect.poll(() => distinct('worker-1'), patience).toEqual(numbers(20_000, 700));
  await expect.poll(() => queued('worker-2'), patience).toEqual(numbers(30_000, 600));
  const shared = await queued('shared');
  expect(shared.filter((number) => number < 10_000)).toEqual(numbers(0, 600));
  expect(shared.filter((number) => number > 10_000)).toEqual(numbers(10_000, 600));
  await Promise.all(living.map(end));
  expect(await outboxFiles()).toEqual([]);
}, 60_000);
