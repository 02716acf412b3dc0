import { createConsumer } from '../../src/central/consume/consumer.ts';
import { decisionsQueue, type RoutingEvent } from '../../src/contracts/event.ts';
import { loadConfig } from '../../src/platform/config/load.ts';
import { sleep } from '../../src/platform/core/clock.ts';
import { deleteBatch, queueMetrics, readBatch, sendBatch } from '../../src/platform/postgres/pgmq.ts';
import { type Pool, withTransaction } from '../../src/platform/postgres/pool.ts';
import { silentLogger } from '../../src/platform/telemetry/logger.ts';
import { createMetrics } from '../../src/platform/telemetry/metrics.ts';
import { makeEvents } from './messages.ts';

/** Messages a second, of each round. */
export interface Throughput {
  raw: number[];
  consumer: number[];
}

export interface ThroughputOptions {
  messages: number;
  rounds: number;
  batchSize: number;
  /** How many decisions after its own an outcome comes. */
  apart: number;
  /** Called before each round with what it is. */
  onRound(text: string): void;
}

const visibilitySeconds = 30;

/**
 * How fast messages leave the queue: read and deleted, in one transaction a batch and with nothing else done, and counted
 * by the consumer as central runs it. In turn, after one round of each that does not count.
 */
export async function measureThroughput(pool: Pool, options: ThroughputOptions): Promise<Throughput> {
  const { messages, rounds, batchSize, apart } = options;
  const measured: Throughput = { raw: [], consumer: [] };
  const takers = { raw: takeRaw, consumer: takeByConsumer };
  for (let round = 0; round <= rounds; round += 1) {
    for (const name of ['raw', 'consumer'] as const) {
      options.onRound(`outcomes ${apart} decisions after: ${name}, round ${round} of ${rounds}`);
      const events = makeEvents(Math.ceil(messages / 2), apart);
      await fill(pool, events);
      // As autovacuum does now and then; or else each round would step over what those before it have deleted.
      await pool.query(`vacuum analyze pgmq.q_${decisionsQueue}`);
      const startedAtMs = performance.now();
      await takers[name](pool, batchSize, events.length);
      const perSecond = (1000 * events.length) / (performance.now() - startedAtMs);
      if (round > 0) measured[name].push(perSecond);
    }
  }
  const { length } = await queueMetrics(pool, decisionsQueue);
  if (length > 0) throw new Error(`${length} messages were left in the queue`);
  return measured;
}

async function takeRaw(pool: Pool, batchSize: number, messages: number): Promise<void> {
  for (let taken = 0; taken < messages;) {
    taken += await withTransaction(pool, async (client) => {
      const batch = await readBatch(client, decisionsQueue, visibilitySeconds, batchSize);
      await deleteBatch(
        client,
        decisionsQueue,
        batch.map((message) => message.messageId),
      );
      return batch.length;
    });
  }
}

async function takeByConsumer(pool: Pool, batchSize: number, messages: number): Promise<void> {
  const metrics = createMetrics();
  const config = loadConfig({ env: {}, cwd: import.meta.dirname, flags: { consumer: { batch_size: batchSize } } });
  const consumer = createConsumer({ config: () => config, pool, log: silentLogger(), metrics });
  const counted = metrics.counter('signalbox_events_consumed_total');
  await consumer.start();
  for (let count = 0; count < messages;) {
    await sleep(1);
    count = (await counted.get()).values.reduce((sum, { value }) => sum + value, 0);
  }
  await consumer.stop();
}

async function fill(pool: Pool, events: readonly RoutingEvent[]): Promise<void> {
  for (let index = 0; index < events.length; index += 1000) {
    await sendBatch(pool, decisionsQueue, events.slice(index, index + 1000));
  }
}
