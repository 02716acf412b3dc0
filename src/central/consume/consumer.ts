import type { Config } from '../../platform/config/load.ts';
import { decisionsQueue } from '../../contracts/event.ts';
import type { Live } from '../../platform/core/live.ts';
import { createLoop, type Loop } from '../../platform/core/loop.ts';
import { queueMetrics } from '../../platform/postgres/pgmq.ts';
import type { Pool } from '../../platform/postgres/pool.ts';
import { decisionsDeadLetterQueue } from '../../platform/postgres/queues.ts';
import type { Logger } from '../../platform/telemetry/logger.ts';
import type { Metrics } from '../../platform/telemetry/metrics.ts';
import { type BatchResult, consumeBatch } from './consume-batch.ts';
import { createTurns } from './turns.ts';

interface ConsumerOptions {
  config: Live<Pick<Config, 'consumer'>>;
  pool: Pool;
  log: Logger;
  metrics: Metrics;
}

const queueLengthIntervalMs = 15_000;

/** Batches under way at once while more wait than one batch takes. */
const lanes = 2;

/**
 * Consumes the decisions queue. Any number may run at once, in any processes.
 *
 * Under load this one reads a batch while it still counts the one before. It counts them in turn, because the events of
 * one decision often lie in neighbouring batches: those who count them at the same time would get in each other's way.
 */
export function createConsumer({ config, pool, log, metrics }: ConsumerOptions): Loop {
  const count = createBatchMetrics(metrics);
  const turns = createTurns();

  return createLoop({
    name: 'consumer',
    intervalMs: () => config().consumer.poll_ms,
    log,
    // Events pile up meanwhile, so a consumer whose database was away comes back soon.
    maxBackoffMs: 5_000,
    failures: metrics.counter('signalbox_loop_failures_total'),
    async runOnce(signal) {
      if (!(await consumeOne())) return;
      // A lane that fails ends the others after their batch, so that the loop says so and waits.
      const failed = new AbortController();
      const stop = AbortSignal.any([signal, failed.signal]);
      const ends = await Promise.allSettled(
        Array.from({ length: lanes }, async () => {
          try {
            while (!stop.aborted && (await consumeOne()));
          } catch (error) {
            failed.abort();
            throw error;
          }
        }),
      );
      for (const end of ends) if (end.status === 'rejected') throw end.reason;
    },
  });

  /** Whether there is more. */
  async function consumeOne(): Promise<boolean> {
    const { batch_size: batchSize, visibility_s: visibilitySeconds } = config().consumer;
    const batch = await consumeBatch(pool, { batchSize, visibilitySeconds, turns });
    count(batch);
    if (batch.deadLetters > 0)
      log.warn({ dead_letters: batch.deadLetters }, 'events that cannot be counted were set aside');
    if (batch.orphans > 0) log.info({ orphans: batch.orphans }, 'feedback on unknown decisions was dropped');
    return batch.read === batchSize;
  }
}

/** Measures how many messages wait, and how long. */
export function createQueueGauge({ pool, log, metrics }: Omit<ConsumerOptions, 'config'>): Loop {
  const length = metrics.gauge('signalbox_queue_length');
  const oldest = metrics.gauge('signalbox_queue_oldest_message_seconds');
  return createLoop({
    name: 'queue length',
    intervalMs: queueLengthIntervalMs,
    log,
    failures: metrics.counter('signalbox_loop_failures_total'),
    async runOnce() {
      for (const queue of [decisionsQueue, decisionsDeadLetterQueue]) {
        const measured = await queueMetrics(pool, queue);
        length.set({ queue }, measured.length);
        oldest.set({ queue }, measured.oldestAgeSeconds ?? 0);
      }
    },
  });
}

function createBatchMetrics(metrics: Metrics): (batch: BatchResult) => void {
  const consumed = metrics.counter('signalbox_events_consumed_total');
  const duplicates = metrics.counter('signalbox_events_duplicates_total');
  const ignored = metrics.counter('signalbox_events_ignored_total');
  const late = metrics.counter('signalbox_events_late_total');
  const postponed = metrics.counter('signalbox_events_postponed_total');
  const orphans = metrics.counter('signalbox_events_orphans_total');
  const deadLetters = metrics.counter('signalbox_events_dead_letters_total');
  const lag = metrics.histogram('signalbox_consumer_lag_seconds');
  return (batch) => {
    for (const outcome of batch.counted) consumed.inc({ outcome });
    duplicates.inc(batch.duplicates);
    ignored.inc(batch.ignored);
    late.inc(batch.late);
    postponed.inc(batch.postponed);
    orphans.inc(batch.orphans);
    deadLetters.inc(batch.deadLetters);
    for (const lagMs of batch.lagsMs) lag.observe(lagMs / 1000);
  };
}
