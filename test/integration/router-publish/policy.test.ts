import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { sleep } from '../../../src/platform/core/clock.ts';
import { createPool, type Pool } from '../../../src/platform/postgres/pool.ts';
import { createMetrics, type Metrics } from '../../../src/platform/telemetry/metrics.ts';
import { createPublisher, type Publisher, type PublisherOptions } from '../../../src/router/publish/publisher.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';
import { numberedEvent, numberOf, oneTo, valueOf } from './support.ts';

/** The way to PostgreSQL, which can be cut, or fall silent. */
interface Line {
  port: number;
  become(state: 'open' | 'cut' | 'silent'): void;
  close(): void;
}

async function layLine(target: URL): Promise<Line> {
  let state = 'open';
  const sockets = new Set<Socket>();
  const server: Server = createServer((client) => {
    if (state === 'cut') return void client.destroy();
    const upstream = connect(Number(target.port), target.hostname);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from
        .on('error', () => undefined)
        .on('close', () => {
          sockets.delete(from);
          to.destroy();
        });
      from.on('data', (data) => {
        if (state !== 'silent') to.write(data);
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = (): void => sockets.forEach((socket) => socket.destroy());
  return {
    port: (server.address() as AddressInfo).port,
    become(next) {
      // What was swallowed while it was silent is not said again.
      if (state === 'silent' || next === 'cut') cut();
      state = next;
    },
    close() {
      cut();
      server.close();
    },
  };
}

const patience = { timeout: 15_000, interval: 20 };
let database: TestDatabase;
let line: Line;
let dataDir: string;
let pool: Pool;
let metrics: Metrics;
let logged: Array<{ level: string; msg: string }>;
let publisher: Publisher;
let instanceId: string;

beforeAll(async () => {
  database = await createTestDatabase();
  line = await layLine(new URL(database.connectionString));
});
afterAll(async () => {
  line.close();
  await database.drop();
});
beforeEach(async ({ task }) => {
  dataDir = await mkdtemp(path.join(tmpdir(), 'signalbox-policy-'));
  instanceId = task.id;
});
afterEach(async () => {
  line.become('open');
  await publisher.stop();
  await pool.end();
  await rm(dataDir, { recursive: true, force: true });
});

async function startPublisher(options: Partial<PublisherOptions> = {}): Promise<void> {
  const url = new URL(database.connectionString);
  url.port = String(line.port);
  metrics = createMetrics();
  logged = [];
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      logged.push(JSON.parse(chunk.toString()) as (typeof logged)[number]);
      done();
    },
  });
  const log = pino({ level: 'debug', formatters: { level: (label) => ({ level: label }) } }, sink);
  pool = createPool({ connectionString: url.href, applicationName: 'policy', max: 3, log });
  publisher = createPublisher({
    pool,
    connectionString: url.href,
    instanceId,
    dataDir,
    bufferSize: 200,
    batchSize: 20,
    flushMs: 10,
    outboxMaxBytes: 1024 * 1024,
    log,
    metrics,
    ...options,
  });
  await publisher.start();
}

function publish(first: number, last: number, outcome: 'routed' | 'success' | 'failure' = 'success'): void {
  for (let number = first; number <= last; number += 1) publisher.publish(numberedEvent(instanceId, number, outcome));
}

async function arrived(): Promise<number[]> {
  const { rows } = await database.pool.query<{ event_id: string }>(
    `select message->>'event_id' as event_id from pgmq.q_model_routing_decisions
     where message->>'instance_id' = $1 order by msg_id`,
    [instanceId],
  );
  return [...new Set(rows.map(numberOf))];
}

const valueNow = (name: string, outcome?: 'routed' | 'success') =>
  valueOf(metrics, `signalbox_events_${name}`, outcome);
const said = (text: string) => logged.filter(({ msg }) => msg.includes(text)).length;

test('a server that falls silent holds events in memory for about a second, then they are on disk', async () => {
  await startPublisher();
  publish(1, 5);
  await expect.poll(arrived, patience).toEqual(oneTo(5));
  line.become('silent');
  publish(6, 10);
  await expect.poll(() => valueNow('outbox_events'), { timeout: 2500, interval: 20 }).toBe(5);
  publish(11, 50);
  await expect.poll(() => valueNow('outbox_events'), { timeout: 500, interval: 10 }).toBe(45);
  expect(await valueNow('buffered')).toBe(0);
  expect(publisher.health?.()).toEqual({ ok: true });
  line.become('open');
  await expect.poll(arrived, patience).toEqual(oneTo(50));
  await expect.poll(() => valueNow('outbox_bytes'), patience).toBe(0);
  expect(await valueNow('dropped_total')).toBe(0);
});

test('with a full disk and no PostgreSQL events stay in memory, and routed ones make room for outcomes', async () => {
  await writeFile(path.join(dataDir, 'outbox'), '');
  await startPublisher();
  line.become('cut');
  publish(1, 100, 'routed');
  publish(101, 200);
  expect(publisher.health?.()).toMatchObject({ ok: false });
  publish(201, 260);
  publish(261, 270, 'routed');
  await expect.poll(() => said('the outbox cannot be written'), patience).toBe(1);
  await sleep(500);
  expect(said('the outbox cannot be written')).toBe(1);
  expect(said('the journal cannot be written')).toBe(1);
  // 200 and the 60 that took the place of others.
  expect(await valueNow('unjournaled_total')).toBe(260);
  expect(await valueNow('dropped_total', 'routed')).toBe(70);
  expect(await valueNow('dropped_total', 'success')).toBe(0);

  await rm(path.join(dataDir, 'outbox'));
  await expect.poll(() => valueNow('outbox_events'), patience).toBe(200);
  expect(said('the outbox can be written again')).toBe(1);
  expect(publisher.health?.()).toEqual({ ok: true });
  line.become('open');
  await expect.poll(async () => (await arrived()).length, patience).toBe(200);
  const numbers = await arrived();
  expect(numbers).toEqual(numbers.toSorted((one, other) => one - other));
  expect(numbers.slice(-160)).toEqual(oneTo(160).map((number) => number + 100));
});

test('an outbox at its bound drops routed events first, and says so until there is room', async () => {
  await startPublisher({ outboxMaxBytes: 60_000, bufferSize: 100 });
  line.become('cut');
  let published = 0;
  while ((await valueNow('dropped_total')) <= 40) {
    publish(published + 1, published + 10, 'routed');
    publish(published + 11, published + 20);
    published += 20;
    await sleep(15);
  }
  expect(publisher.health?.()).toMatchObject({ ok: false });
  expect(await valueNow('dropped_total', 'success')).toBe(0);
  expect(await valueNow('outbox_bytes')).toBeLessThanOrEqual(60_000);
  line.become('open');
  await expect.poll(() => valueNow('outbox_events'), patience).toBe(0);
  expect(publisher.health?.()).toEqual({ ok: true });
  const outcomes = (await arrived()).filter((number) => (number - 1) % 20 >= 10);
  expect(outcomes).toEqual(oneTo(published).filter((number) => (number - 1) % 20 >= 10));
});

test('an event that PostgreSQL can never hold is dropped alone, from memory and from disk', async () => {
  const poison = (number: number) => ({ ...numberedEvent(instanceId, number), timestamp: 'nul: \0' });
  await startPublisher();
  publish(1, 3);
  publisher.publish(poison(4));
  publish(5, 6);
  await expect.poll(arrived, patience).toEqual([1, 2, 3, 5, 6]);
  line.become('cut');
  publish(7, 8);
  publisher.publish(poison(9));
  publish(10, 11);
  await expect.poll(() => valueNow('outbox_events'), patience).toBe(5);
  line.become('open');
  await expect.poll(arrived, patience).toEqual([1, 2, 3, 5, 6, 7, 8, 10, 11]);
  expect(await valueNow('dropped_total', 'success')).toBe(2);
});

test('each event becomes JSON once, on whatever way it goes, and no file of it is left', async () => {
  await startPublisher();
  const stringify = vi.spyOn(JSON, 'stringify');
  publish(1, 30);
  await expect.poll(arrived, patience).toEqual(oneTo(30));
  line.become('cut');
  publish(31, 60);
  await expect.poll(() => valueNow('outbox_events'), patience).toBe(30);
  line.become('open');
  await expect.poll(arrived, patience).toEqual(oneTo(60));
  const isEvent = (value: unknown): boolean => JSON.stringify(value).includes('routing_decision');
  const values = stringify.mock.calls.map(([value]) => value as unknown);
  stringify.mockRestore();
  expect(values.filter(isEvent)).toHaveLength(60);
  await publisher.stop();
  expect(await readdir(path.join(dataDir, 'outbox'))).toEqual([]);
  expect(await valueNow('unjournaled_total')).toBe(0);
});

test('a stop that finds no room in the outbox leaves events in the journal, for the next start', async () => {
  await startPublisher({ outboxMaxBytes: 60_000 });
  line.become('cut');
  // Outcomes make no room for each other: what the outbox does not take waits in memory.
  for (let last = 0; (await valueNow('buffered')) < 20; last += 20) {
    publish(last + 1, last + 20);
    await sleep(30);
  }
  const stored = await valueNow('outbox_events');
  const waiting = await valueNow('buffered');
  await publisher.stop();
  expect(said('with events in the journal')).toBe(1);
  expect(await valueNow('dropped_total')).toBe(0);
  await pool.end();
  line.become('open');
  await startPublisher();
  await expect.poll(arrived, patience).toEqual(oneTo(stored + waiting));
});

test('an event after the stop is told of as lost', async () => {
  await startPublisher();
  await publisher.stop();
  publish(1, 1);
  expect(said('after the stop')).toBe(1);
  expect(await valueNow('dropped_total', 'success')).toBe(1);
});

test('a stop that can neither send nor store says how many are lost, and counts them', async () => {
  await writeFile(path.join(dataDir, 'outbox'), '');
  await startPublisher();
  line.become('cut');
  publish(1, 30);
  publish(31, 40, 'routed');
  await publisher.stop();
  expect(said('neither sent nor stored')).toBe(1);
  expect(await valueNow('dropped_total')).toBe(40);
});
