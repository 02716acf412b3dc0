import type { RoutingEvent } from '../../contracts/event.ts';
import { sleep } from '../../platform/core/clock.ts';
import { messageOf } from '../../platform/core/errors.ts';
import { createLoop } from '../../platform/core/loop.ts';
import type { HealthCheck, Service } from '../../platform/core/service.ts';
import type { Pool } from '../../platform/postgres/pool.ts';
import type { Logger } from '../../platform/telemetry/logger.ts';
import type { Metrics } from '../../platform/telemetry/metrics.ts';
import { createDiskState } from './disk-state.ts';
import { encodeEvent, type EncodedEvent } from './encoded-event.ts';
import { createEventBuffer } from './event-buffer.ts';
import { createJournal } from './journal.ts';
import { createOutbox } from './outbox.ts';
import { createOutboxFolders } from './outbox-folders.ts';
import { countEvents } from './publisher-metrics.ts';
import { createSender } from './send-events.ts';

export interface Publisher extends Service {
  /** Takes an event, which outlasts the death of this process from its return on; it is sent with the next batch. */
  publish(event: RoutingEvent): void;
}

export interface PublisherOptions {
  pool: Pool;
  /** Of the pool; events that wait on disk go to this database and no other. */
  connectionString: string;
  instanceId: string;
  dataDir: string;
  bufferSize: number;
  batchSize: number;
  flushMs: number;
  /** 0 lets events wait in memory alone. */
  outboxMaxBytes: number;
  log: Logger;
  metrics: Metrics;
}

/** How long an event may wait because PostgreSQL is slow to take it, until it goes to the outbox. */
const sendPatienceMs = 1000;
/** What is sent from disk may take its time: sent again it would take as long. */
const replayPatienceMs = 60_000;
/** How long, and how often, a stop tries to send what is left. */
const drainMs = 5000;
const drainAttempts = 5;
const drainPauseMs = 200;
const keepIntervalMs = 5000;
/** What the journal may take of a disk, as a share of what the outbox may. */
const journalShare = 1 / 8;

/**
 * Events of the request path on their way to the queue. A request never waits for it: events gather in a bounded buffer
 * and go to the queue in batches; until then they are in the journal too, a file, since this process may be killed. While
 * PostgreSQL does not take them they go to the outbox, files that outlast a loss of power as well, and from there to
 * the queue, in their order, before any newer ones do. When there is no room, `routed` events are dropped before
 * outcomes, and every drop is counted.
 */
export function createPublisher(options: PublisherOptions): Publisher {
  const { pool, batchSize, flushMs, log, metrics } = options;
  const buffer = createEventBuffer(options.bufferSize);
  const folders = createOutboxFolders(options);
  let isOutboxDropping = false;
  let isStopped = false;
  const outbox = createOutbox({
    folders,
    maxBytes: options.outboxMaxBytes,
    onDropped(event) {
      isOutboxDropping = true;
      counters.dropped(event);
    },
    onTornLines: (count) => counters.torn(count),
  });
  const counters = countEvents(metrics, buffer, outbox, options);
  const failedRounds = metrics.counter('signalbox_loop_failures_total');
  const sender = createSender({
    pool,
    onSent: (count) => counters.published(count),
    onUnstorable(event, error) {
      counters.dropped(event);
      log.error({ err: error, event_id: event.eventId }, 'an event that cannot be stored was dropped');
    },
  });
  const writing = createDiskState('outbox', 'written', log);
  const reading = createDiskState('outbox', 'read', log);
  const keeping = createDiskState('outbox', 'kept', log);
  const journal = createJournal({
    folders,
    maxBytes: Math.ceil(options.outboxMaxBytes * journalShare),
    state: createDiskState('journal', 'written', log),
    onRefused: () => counters.unjournaled(),
  });

  /** These are in the queue or in the outbox. */
  function remove(batch: readonly EncodedEvent[]): void {
    buffer.remove(batch.length);
    journal.forget(batch);
  }

  async function sendFromBuffer(): Promise<void> {
    const batch = buffer.peek(batchSize);
    if (batch.length === 0) return;
    await sender.send(batch, sendPatienceMs);
    remove(batch);
  }

  /** Whether any event went to disk. */
  async function store(): Promise<boolean> {
    const batch = buffer.peek(batchSize);
    if (batch.length === 0) return false;
    const stored = (await writing.attempt(() => outbox.append(batch))) ?? 0;
    remove(batch.slice(0, stored));
    return stored > 0;
  }

  /** Whether there was anything to send. */
  async function sendFromOutbox(patienceMs: number, signal?: AbortSignal): Promise<boolean> {
    const batch = (await reading.attempt(() => outbox.peek(batchSize))) ?? [];
    if (batch.length === 0) return false;
    await sender.send(batch, patienceMs, signal);
    counters.replayed(batch.length);
    isOutboxDropping = false;
    await reading.attempt(() => outbox.remove(batch.length));
    if (outbox.isEmpty) log.info('all events in the outbox are sent');
    return true;
  }

  const writer = createLoop({
    name: 'publisher',
    intervalMs: flushMs,
    maxBackoffMs: 2000,
    log,
    failures: failedRounds,
    async runOnce() {
      journal.rotate();
      // Not past older ones: what is new goes behind what is on disk.
      if (!outbox.isEmpty) return (await store()) && buffer.length >= batchSize ? 'again' : undefined;
      try {
        await sendFromBuffer();
      } catch (error) {
        if (!(await store())) throw error;
        log.warn({ reason: messageOf(error) }, 'PostgreSQL does not take events; they go to the outbox');
      }
      return buffer.length >= batchSize ? 'again' : undefined;
    },
  });

  const replayer = createLoop({
    name: 'outbox replay',
    intervalMs: flushMs,
    maxBackoffMs: 2000,
    log,
    failures: failedRounds,
    async runOnce(signal) {
      if (outbox.isEmpty) return undefined;
      return (await sendFromOutbox(replayPatienceMs, signal)) ? 'again' : undefined;
    },
  });

  const keeper = createLoop({
    name: 'outbox keeper',
    intervalMs: keepIntervalMs,
    log,
    failures: failedRounds,
    async runOnce() {
      await journal.keep();
      await keeping.attempt(() => outbox.keep());
    },
  });

  async function storeAll(): Promise<void> {
    let more = true;
    while (more) more = await store();
  }

  /** Whatever ends this process before its time, events are on disk as soon as sending them fails. */
  async function drain(): Promise<void> {
    const endsAt = performance.now() + drainMs;
    if (!outbox.isEmpty) await storeAll();
    for (let failures = 0; failures < drainAttempts && performance.now() < endsAt;) {
      if (buffer.length === 0 && outbox.isEmpty) break;
      try {
        const sent = await (outbox.isEmpty ? sendFromBuffer() : sendFromOutbox(sendPatienceMs));
        // It cannot be read: as with a failure, not at once again.
        if (sent === false && !outbox.isEmpty) {
          failures += 1;
          await sleep(drainPauseMs);
        }
      } catch (error) {
        failures += 1;
        log.warn({ reason: messageOf(error), left: buffer.length }, 'events could not be sent while stopping');
        await storeAll();
        await sleep(drainPauseMs);
      }
    }
    await storeAll();
    if (!outbox.isEmpty) log.warn({ stored: outbox.events }, 'stopped with events in the outbox, for the next start');
    await keeping.attempt(() => outbox.close());
    isStopped = true;
    const left = buffer.peek(buffer.length);
    const lost = left.filter((event) => !journal.has(event));
    if (left.length > lost.length)
      log.warn({ stored: left.length - lost.length }, 'stopped with events in the journal, for the next start');
    if (lost.length > 0) log.error({ lost: lost.length }, 'stopped with events that were neither sent nor stored');
    lost.forEach(counters.dropped);
    await keeping.attempt(() => journal.close());
  }

  function dropLate(event: EncodedEvent): void {
    counters.dropped(event);
    log.error({ event_id: event.eventId }, 'an event that came after the stop was dropped');
  }

  return {
    name: 'publisher',
    publish(event) {
      const encoded = encodeEvent(event);
      if (isStopped) return dropLate(encoded);
      const dropped = buffer.push(encoded);
      if (dropped !== encoded) journal.write(encoded);
      if (dropped !== null) {
        journal.forget([dropped]);
        counters.dropped(dropped);
      }
      if (buffer.length === batchSize) writer.wake();
    },
    async start() {
      // Before the first event of this process, so that those of the last one go first.
      await keeping.attempt(() => outbox.keep());
      await journal.keep();
      if (!outbox.isEmpty) log.info({ events: outbox.events }, 'sending the events that the last process left');
      for (const loop of [writer, replayer, keeper]) await loop.start();
    },
    async stop() {
      for (const loop of [keeper, replayer, writer]) await loop.stop();
      await drain();
    },
    health(): HealthCheck {
      if (buffer.length >= options.bufferSize)
        return { ok: false, detail: `the event buffer is full (${options.bufferSize}); events are being dropped` };
      return isOutboxDropping ? { ok: false, detail: 'the outbox is full; events are being dropped' } : { ok: true };
    },
  };
}
