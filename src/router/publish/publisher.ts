import { decisionsChannel, decisionsQueue, type RoutingEvent } from '../../contracts/event.ts';
import { messageOf } from '../../platform/core/errors.ts';
import { createLoop } from '../../platform/core/loop.ts';
import type { HealthCheck, Service } from '../../platform/core/service.ts';
import { notify } from '../../platform/postgres/notify.ts';
import { sendBatch } from '../../platform/postgres/pgmq.ts';
import type { Pool } from '../../platform/postgres/pool.ts';
import type { Logger } from '../../platform/telemetry/logger.ts';
import type { Metrics } from '../../platform/telemetry/metrics.ts';
import { createEventBuffer } from './event-buffer.ts';

export interface Publisher extends Service {
  /** Takes an event and returns at once; it is sent with the next batch. */
  publish(event: RoutingEvent): void;
}

export interface PublisherOptions {
  pool: Pool;
  bufferSize: number;
  batchSize: number;
  flushMs: number;
  log: Logger;
  metrics: Metrics;
}

/** How long a stop tries to send what is left. */
const drainAttempts = 5;

/**
 * Events of the request path on their way to the queue. A request never waits for it: events gather in a bounded buffer
 * and go in batches. While Postgres is away they stay there; when the buffer is full, `routed` events are dropped before
 * outcomes, and every drop is counted.
 */
export function createPublisher(options: PublisherOptions): Publisher {
  const { pool, batchSize, flushMs, log, metrics } = options;
  const buffer = createEventBuffer(options.bufferSize);
  const published = metrics.counter('signalbox_events_published_total', 'Events handed to the queue.');
  const dropped = metrics.counter(
    'signalbox_events_dropped_total',
    'Events lost because the buffer was full or they cannot be stored.',
    ['outcome'],
  );
  metrics.sampledGauge('signalbox_events_buffered', 'Events waiting to be sent.', [], () => [[{}, buffer.length]]);

  /** One event that PostgreSQL cannot hold must not keep back all that come after it. */
  async function send(events: readonly RoutingEvent[]): Promise<void> {
    try {
      await sendBatch(pool, decisionsQueue, events);
      published.inc(events.length);
    } catch (error) {
      if (!isDataException(error)) throw error;
      const [event, ...others] = events;
      if (event === undefined || others.length > 0) {
        for (const single of events) await send([single]);
        return;
      }
      dropped.inc({ outcome: event.routing_decision.outcome });
      log.error({ err: error, event_id: event.event_id }, 'an event that cannot be stored was dropped');
    }
  }

  async function sendOneBatch(): Promise<void> {
    const batch = buffer.peek(batchSize);
    if (batch.length === 0) return;
    await send(batch);
    buffer.remove(batch.length);
    await notify(pool, decisionsChannel, '');
  }

  const loop = createLoop({
    name: 'publisher',
    intervalMs: flushMs,
    maxBackoffMs: 2000,
    log,
    async runOnce() {
      await sendOneBatch();
      return buffer.length >= batchSize ? 'again' : undefined;
    },
  });

  async function drain(): Promise<void> {
    for (let failures = 0; buffer.length > 0 && failures < drainAttempts;) {
      try {
        await sendOneBatch();
      } catch (error) {
        failures += 1;
        log.warn({ reason: messageOf(error), left: buffer.length }, 'events could not be sent while stopping');
      }
    }
    if (buffer.length > 0) log.error({ lost: buffer.length }, 'stopped with events that were not sent');
  }

  return {
    name: 'publisher',
    publish(event) {
      const lost = buffer.push(event);
      if (lost !== null) dropped.inc({ outcome: lost.routing_decision.outcome });
      if (buffer.length === batchSize) loop.wake();
    },
    start: () => loop.start(),
    async stop() {
      await loop.stop();
      await drain();
    },
    health(): HealthCheck {
      return buffer.length < options.bufferSize
        ? { ok: true }
        : { ok: false, detail: `the event buffer is full (${options.bufferSize}); events are being dropped` };
    },
  };
}

/** SQLSTATE class 22: the value is to blame, and would be again. */
function isDataException(error: unknown): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('22');
}
