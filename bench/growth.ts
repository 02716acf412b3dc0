/** How much the database grows by requests, table by table, and what retention gives back. See docs/operations.md. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createConsumer } from '../src/central/consume/consumer.ts';
import { createLearner } from '../src/central/learn/learner.ts';
import { purge } from '../src/central/maintain/purge.ts';
import { decisionsQueue, type RoutingEvent } from '../src/contracts/event.ts';
import { loadConfig } from '../src/platform/config/load.ts';
import { sleep } from '../src/platform/core/clock.ts';
import { startEmbeddedPostgres } from '../src/platform/postgres/embedded.ts';
import { migrate } from '../src/platform/postgres/migrate.ts';
import { sendBatch } from '../src/platform/postgres/pgmq.ts';
import { createPool, type Pool } from '../src/platform/postgres/pool.ts';
import { silentLogger } from '../src/platform/telemetry/logger.ts';
import { createMetrics } from '../src/platform/telemetry/metrics.ts';
import { makeEvents } from './events/messages.ts';
import { measureSizes, type TableSize, walPosition } from './growth/sizes.ts';
import { optionsOrExit, releaseOnce } from './support/main.ts';
import { progress } from './support/progress.ts';

const usage = `npm run bench:growth -- [options]

  --requests 200000  of which a router tells, each with its choice and its outcome
  --features 130     numbers that are logged of each prompt; those of the demo have 130 on average
  --json             everything that was measured, instead of text`;

interface Options {
  requests: number;
  features: number;
  json: boolean;
}

/** What waits in the queue at the most, so that the consumer keeps up as it does in life. */
const chunkRequests = 2000;
/** How many decisions after its own an outcome comes. */
const apart = 50;
const dayMs = 86_400_000;

function readOptions(): Options | null {
  const { values } = parseArgs({
    options: {
      requests: { type: 'string', default: '200000' },
      features: { type: 'string', default: '130' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return null;
  return {
    requests: wholeNumber('requests', values.requests),
    features: wholeNumber('features', values.features),
    json: values.json,
  };
}

function wholeNumber(name: string, text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new Error(`--${name} must be a whole number from 1`);
}

/** As a router tells it that logs features. */
function withFeatures(event: RoutingEvent, count: number): RoutingEvent {
  const { routing_decision: decision } = event;
  if (decision.outcome !== 'routed') return event;
  const features = Array.from({ length: count }, () => Math.floor(Math.random() * 2 ** 31));
  return { ...event, routing_decision: { ...decision, features, features_key: 'a1b2c3d4' } };
}

interface Growth {
  full: TableSize[];
  emptied: TableSize[];
  walBytes: number;
  databaseSeconds: number;
}

/** Sends what routers send to the consumer and the learner as central runs them. */
async function grow(pool: Pool, { requests, features }: Options): Promise<void> {
  const config = loadConfig({ env: {}, cwd: import.meta.dirname });
  const metrics = createMetrics();
  const parts = { config: () => config, pool, log: silentLogger(), metrics };
  const consumer = createConsumer(parts);
  const learner = createLearner(parts);
  const counted = metrics.counter('signalbox_events_consumed_total');
  await consumer.start();
  await learner.start();
  let sent = 0;
  for (let done = 0; done < requests; done += chunkRequests) {
    const events = makeEvents(Math.min(chunkRequests, requests - done), apart).map((event) =>
      withFeatures(event, features),
    );
    for (let index = 0; index < events.length; index += 500) {
      await sendBatch(pool, decisionsQueue, events.slice(index, index + 500));
    }
    sent += events.length;
    for (let count = 0; count < sent;) {
      await sleep(5);
      count = (await counted.get()).values.reduce((sum, { value }) => sum + value, 0);
    }
    progress(`${done + chunkRequests} of ${requests} requests`);
  }
  await consumer.stop();
  await learner.stop();
  progress('');
}

async function measure(pool: Pool, options: Options): Promise<Growth> {
  const walBefore = await walPosition(pool);
  const startedAtMs = performance.now();
  await grow(pool, options);
  const databaseSeconds = (performance.now() - startedAtMs) / 1000;
  const walBytes = (await walPosition(pool)) - walBefore;
  await pool.query('vacuum analyze');
  const full = await measureSizes(pool);
  // As if all that is kept for a while were older than that.
  await purge(pool, { before: new Date(Date.now() + 2 * dayMs) }, null);
  await pool.query('vacuum');
  return { full, emptied: await measureSizes(pool), walBytes, databaseSeconds };
}

function report({ full, emptied, walBytes, databaseSeconds }: Growth, { requests }: Options): void {
  const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(1).padStart(9);
  const perRequest = (bytes: number): string => (bytes / requests).toFixed(0).padStart(7);
  console.log(`${requests} requests, two events each, in ${databaseSeconds.toFixed(0)} s\n`);
  console.log(`${'table'.padEnd(34)} ${'rows'.padStart(8)} table MiB index MiB bytes/request  after purge MiB`);
  for (const { table, rows, tableBytes, indexBytes } of full) {
    // Of those that are of a size of their own, whatever is asked, the sum below is enough.
    if ((tableBytes + indexBytes) / requests < 1) continue;
    const left = emptied.find((size) => size.table === table);
    console.log(
      `${table.padEnd(34)} ${String(rows).padStart(8)} ${mib(tableBytes)} ${mib(indexBytes)} ` +
        `${perRequest(tableBytes + indexBytes)}       ${mib((left?.tableBytes ?? 0) + (left?.indexBytes ?? 0))}`,
    );
  }
  const total = full.reduce((sum, { tableBytes, indexBytes }) => sum + tableBytes + indexBytes, 0);
  console.log(
    `\nall: ${perRequest(total).trim()} bytes a request; WAL: ${perRequest(walBytes).trim()} bytes a request`,
  );
}

const options = optionsOrExit(readOptions, usage);
const folder = mkdtempSync(join(tmpdir(), 'signalbox-growth-'));
const starting = startEmbeddedPostgres({ dataDir: folder, log: silentLogger() });
const { release } = releaseOnce(async () => {
  await (await starting).stop();
  rmSync(folder, { recursive: true, force: true });
});

try {
  const { connectionString } = await starting;
  const pool = createPool({
    connectionString,
    applicationName: 'bench',
    max: 8,
    log: silentLogger(),
    statementTimeoutMs: 600_000,
  });
  await migrate(pool, { log: silentLogger() });
  const growth = await measure(pool, options);
  await pool.end();
  if (options.json) console.log(JSON.stringify({ options, ...growth }, null, 2));
  else report(growth, options);
} finally {
  await release();
}
