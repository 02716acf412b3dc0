import { decisionsChannel, decisionsQueue } from '../../contracts/event.ts';
import { sleep } from '../../platform/core/clock.ts';
import { notify } from '../../platform/postgres/notify.ts';
import { sendJsonBatch } from '../../platform/postgres/pgmq.ts';
import type { Executor, Pool } from '../../platform/postgres/pool.ts';
import type { EncodedEvent } from './encoded-event.ts';

/** The way to the queue for one batch at a time. */
export interface Sender {
  /**
   * Throws when the events are not known to be in the queue within `patienceMs`, or when `signal` aborts before. They may
   * arrive nevertheless: whoever sends them again sends them with the same ids.
   */
  send(events: readonly EncodedEvent[], patienceMs: number, signal?: AbortSignal): Promise<void>;
}

export interface SenderOptions {
  pool: Pool;
  onSent(count: number): void;
  /** PostgreSQL can never hold this one. */
  onUnstorable(event: EncodedEvent, error: unknown): void;
}

/** After it the connection is given up: a server that vanished without a word would hold it for a quarter of an hour. */
const queryTimeoutMs = 15_000;

export function createSender({ pool, onSent, onUnstorable }: SenderOptions): Sender {
  const db: Executor = {
    query: (query, values) => {
      const limited = {
        ...(typeof query === 'string' ? { text: query, values } : query),
        query_timeout: queryTimeoutMs,
      };
      return pool.query(limited);
    },
  };
  let isWaiting = false;

  /** One event that PostgreSQL cannot hold must not keep back all that come after it. */
  async function sendEach(events: readonly EncodedEvent[]): Promise<void> {
    try {
      const documents = events.map(({ line }) => line);
      await sendJsonBatch(db, decisionsQueue, documents);
      onSent(events.length);
    } catch (error) {
      if (!isDataException(error)) throw error;
      const [event, ...others] = events;
      if (event === undefined || others.length > 0) {
        for (const single of events) await sendEach([single]);
        return;
      }
      onUnstorable(event, error);
    }
  }

  async function sendAlone(events: readonly EncodedEvent[]): Promise<void> {
    isWaiting = true;
    try {
      await sendEach(events);
    } finally {
      isWaiting = false;
    }
  }

  return {
    async send(events, patienceMs, signal) {
      // Another batch would overtake the one that is still out.
      if (isWaiting) throw new Error('PostgreSQL has not yet answered to the events before');
      if (!(await endsWithin(sendAlone(events), patienceMs, signal)))
        throw new Error('PostgreSQL has not taken the events in time');
      // Not waited for: it only wakes the consumer, which looks by itself too.
      void notify(db, decisionsChannel, '').catch(() => undefined);
    },
  };
}

/** Whether it ends in time. Throws what it throws until then. */
async function endsWithin(work: Promise<void>, ms: number, signal?: AbortSignal): Promise<boolean> {
  const over = new AbortController();
  const giveUp = signal === undefined ? over.signal : AbortSignal.any([signal, over.signal]);
  try {
    return await Promise.race([work.then(() => true), sleep(ms, giveUp).then(() => false)]);
  } finally {
    over.abort();
  }
}

/** SQLSTATE class 22: the value is to blame, and would be again. */
function isDataException(error: unknown): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('22');
}
