import type { Config } from '../../platform/config/load.ts';
import { decisionsQueue } from '../../contracts/event.ts';
import { createLoop, type Loop } from '../../platform/core/loop.ts';
import { queueMetrics } from '../../platform/postgres/pgmq.ts';
import type { Pool } from '../../platform/postgres/pool.ts';
import { decisionsDeadLetterQueue } from '../../platform/postgres/queues.ts';
import type { Logger } from '../../platform/telemetry/logger.ts';
import type { Metrics } from '../../platform/telemetry/metrics.ts';
import { type BatchResult, consumeBatch } from './consume-batch.ts';

interface ConsumerOptions {
  config: Pick<Config, 'consumer'>;
  pool: Pool;
  log: Logger;
  metrics: Metrics;
}

/** Seconds; from being woken at once to a consumer that was away for hours. */
const lagBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600, 3600];
const queueLengthIntervalMs = 15_000;

/** Consumes the decisions queue. Any number may run at once, in any processes. */
export function createConsumer({ config, pool, log, metrics }: ConsumerOptions): Loop {
  const count = createBatchMetrics(metrics);
  const { batch_size: batchSize, visibility_s: visibilitySeconds, poll_ms: pollMs } = config.consumer;

  return createLoop({
    name: 'consumer',
    intervalMs: pollMs,
    log,
    // Events pile up meanwhile, so a consumer whose database was away comes back soon.
    maxBackoffMs: 5_000,
    failures: metrics.counter('signalbox_loop_failures_total', 'Failed rounds of background loops.', ['loop']),
    async runOnce() {
      const batch = await consumeBatch(pool, {
        queue: decisionsQueue,
        deadLetterQueue: decisionsDeadLetterQueue,
        batchSize,
        visibilitySeconds,
      });
      count(batch);
      if (batch.deadLetters > 0)
        log.warn({ dead_letters: batch.deadLetters }, 'events that cannot be counted were set aside');
      if (batch.orphans > 0) log.info({ orphans: batch.orphans }, 'feedback on unknown decisions was dropped');
      return batch.read === batchSize ? 'again' : undefined;
    },
  });
}

/** Measures how many messages wait. */
export function createQueueGauge({ pool, log, metrics }: Omit<ConsumerOptions, 'config'>): Loop {
  const length = metrics.gauge('signalbox_queue_length', 'Messages in a queue.', ['queue']);
  return createLoop({
    name: 'queue length',
    intervalMs: queueLengthIntervalMs,
    log,
    async runOnce() {
      for (const queue of [decisionsQueue, decisionsDeadLetterQueue]) {
        length.set({ queue }, (await queueMetrics(pool, queue)).length);
      }
    },
  });
}

function createBatchMetrics(metrics: Metrics): (batch: BatchResult) => void {
  const consumed = metrics.counter('signalbox_events_consumed_total', 'Events that were counted.', ['outcome']);
  const duplicates = metrics.counter('signalbox_events_duplicates_total', 'Events that had been counted before.');
  const ignored = metrics.counter('signalbox_events_ignored_total', 'Further outcomes of attempts that had ended.');
  const postponed = metrics.counter('signalbox_events_postponed_total', 'Feedback left for later, by each try.');
  const orphans = metrics.counter('signalbox_events_orphans_total', 'Feedback on decisions that never came.');
  const deadLetters = metrics.counter('signalbox_events_dead_letters_total', 'Events set aside as unusable.');
  const lag = metrics.histogram(
    'signalbox_consumer_lag_seconds',
    'Time that events waited in the queue before they were counted.',
    [],
    lagBuckets,
  );
  return (batch) => {
    for (const outcome of batch.counted) consumed.inc({ outcome });
    duplicates.inc(batch.duplicates);
    ignored.inc(batch.ignored);
    postponed.inc(batch.postponed);
    orphans.inc(batch.orphans);
    deadLetters.inc(batch.deadLetters);
    for (const lagMs of batch.lagsMs) lag.observe(lagMs / 1000);
  };
}
