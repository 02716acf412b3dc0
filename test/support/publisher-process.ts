import { createPool } from '../../src/platform/postgres/pool.ts';
import { createLogger } from '../../src/platform/telemetry/logger.ts';
import { createMetrics } from '../../src/platform/telemetry/metrics.ts';
import { createPublisher } from '../../src/router/publish/publisher.ts';
import { numberedEvent, valueOf } from '../integration/router-publish/support.ts';

// A producer in a process of its own: `node publisher-process.ts CONNECTION DATA_DIR INSTANCE FIRST LAST`. It publishes the
// events FIRST to LAST and prints, as lines of JSON, up to which number all are published, and in the queue or the outbox. SIGTERM stops it.
const [connectionString = '', dataDir = '', instanceId = '', first = '1', last = '0'] = process.argv.slice(2);
const log = createLogger({ level: 'info' });
const metrics = createMetrics();
const pool = createPool({ connectionString, applicationName: instanceId, max: 3, log });
const publisher = createPublisher({
  pool,
  connectionString,
  instanceId,
  dataDir,
  bufferSize: 10_000,
  batchSize: 50,
  flushMs: 20,
  outboxMaxBytes: 64 * 1024 * 1024,
  log,
  metrics,
});
await publisher.start();

let next = Number(first);
const publishing = setInterval(() => {
  for (let count = 0; count < 10 && next <= Number(last); count += 1, next += 1)
    publisher.publish(numberedEvent(instanceId, next, next % 2 === 1 ? 'routed' : 'success'));
}, 2);
const reporting = setInterval(() => void report(), 5);

async function report(): Promise<void> {
  const published = next - 1;
  const durable = published - (await valueOf(metrics, 'signalbox_events_buffered'));
  const outbox = await valueOf(metrics, 'signalbox_events_outbox_events');
  const dropped = await valueOf(metrics, 'signalbox_events_dropped_total');
  const replayed = await valueOf(metrics, 'signalbox_events_replayed_total');
  process.stdout.write(`${JSON.stringify({ published, durable, outbox, dropped, replayed })}\n`);
}

process.once('SIGTERM', () => {
  clearInterval(publishing);
  clearInterval(reporting);
  void publisher
    .stop()
    .then(() => pool.end())
    .then(() => process.stdout.write(`${JSON.stringify({ stopped: true, published: next - 1 })}\n`));
});
