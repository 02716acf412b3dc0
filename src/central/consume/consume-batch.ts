import type { Outcome } from '../../contracts/event.ts';
import { messageOf } from '../../platform/core/errors.ts';
import { deleteBatch, type QueueMessage, readBatch, sendBatch } from '../../platform/postgres/pgmq.ts';
import { type Pool, type PoolClient, withTransaction } from '../../platform/postgres/pool.ts';
import { isRetryable } from '../../platform/postgres/retryable.ts';
import { withSavepoint } from '../../platform/postgres/savepoint.ts';
import { type Applied, applyEvents, RecordConflict } from '../aggregate/apply-events.ts';
import { type DecisionEvent, parseMessage } from './parse-message.ts';

export interface BatchOptions {
  queue: string;
  deadLetterQueue: string;
  batchSize: number;
  visibilitySeconds: number;
}

/** What one batch came to. */
export interface BatchResult {
  /** Messages read. */
  read: number;
  counted: Outcome[];
  duplicates: number;
  /** Further outcomes of attempts that had ended. */
  ignored: number;
  /** Feedback left in the queue for a later try. */
  postponed: number;
  /** Feedback given up, because what it is about never came. */
  orphans: number;
  deadLetters: number;
  /** How long each message had waited, in milliseconds. */
  lagsMs: number[];
}

interface ReadEvent {
  message: QueueMessage;
  event: DecisionEvent;
}

interface DeadLetter {
  reason: string;
  message: QueueMessage;
}

/** How often feedback is read before it is given up: with the visibility time, this is how long it waits. */
const maxReads = 5;
const maxAttempts = 5;

/**
 * Reads a batch, counts it and deletes it in one transaction: whatever happens, each event takes effect once. A message
 * that cannot be understood or stored goes to the dead-letter queue with the reason, and does not hold up the others.
 *
 * Throws, with nothing changed, where the database fails for another reason than the messages.
 */
export function consumeBatch(pool: Pool, options: BatchOptions): Promise<BatchResult> {
  return withTransaction(pool, async (client) => {
    const messages = await readBatch(client, options.queue, options.visibilitySeconds, options.batchSize);
    const understood: ReadEvent[] = [];
    const deadLetters: DeadLetter[] = [];
    for (const message of messages) {
      const parsed = parseMessage(options.queue, message);
      if ('event' in parsed) understood.push({ message, event: parsed.event });
      else deadLetters.push({ message, reason: parsed.reason });
    }

    // By the clock of the database: those of the instances may be wrong.
    const newestMs = Math.max(...messages.map((message) => message.enqueuedAt.getTime()));
    const applied = await applyAll(client, understood, deadLetters, newestMs);
    const waiting = new Set(applied.postponed);
    const postponed = understood.filter(({ message, event }) => waiting.has(event) && message.readCount < maxReads);
    const kept = new Set(postponed.map(({ message }) => message.messageId));
    await sendDeadLetters(client, options.deadLetterQueue, deadLetters);
    await deleteBatch(
      client,
      options.queue,
      messages.map((message) => message.messageId).filter((messageId) => !kept.has(messageId)),
    );

    const nowMs = Date.now();
    return {
      read: messages.length,
      counted: applied.counted.map((event) => event.decision.outcome),
      duplicates: applied.duplicates,
      ignored: applied.ignored,
      postponed: postponed.length,
      orphans: applied.postponed.length - postponed.length,
      deadLetters: deadLetters.length,
      lagsMs: messages.map((message) => Math.max(0, nowMs - message.enqueuedAt.getTime())),
    };
  });
}

/** Applies all events at once, or one by one where one of them cannot be stored; such ones join the dead letters. */
async function applyAll(
  client: PoolClient,
  events: readonly ReadEvent[],
  deadLetters: DeadLetter[],
  nowMs: number,
): Promise<Applied> {
  if (events.length === 0) return combine([]);
  try {
    return await applyInSavepoint(client, events, nowMs);
  } catch (error) {
    if (!isAboutTheMessage(error)) throw error;
    const reason = messageOf(error);
    if (events.length === 1) {
      deadLetters.push(...events.map(({ message }) => ({ message, reason })));
      return combine([]);
    }
  }
  const results: Applied[] = [];
  for (const event of events) results.push(await applyAll(client, [event], deadLetters, nowMs));
  return combine(results);
}

async function applyInSavepoint(client: PoolClient, events: readonly ReadEvent[], nowMs: number): Promise<Applied> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await withSavepoint(client, () =>
        applyEvents(
          client,
          events.map(({ event }) => event),
          nowMs,
        ),
      );
    } catch (error) {
      if (!(error instanceof RecordConflict) || attempt === maxAttempts) throw error;
    }
  }
}

/**
 * Whether the message is to blame, so that it would fail again: a value that no column takes (SQLSTATE classes 22, 23
 * and 54), or one that our own code does not stand. A missing table or a lost connection is no reason to give up events.
 */
function isAboutTheMessage(error: unknown): boolean {
  if (error instanceof RecordConflict || isRetryable(error)) return false;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? /^(22|23|54)/.test(code) : true;
}

function combine(results: readonly Applied[]): Applied {
  return {
    counted: results.flatMap((result) => result.counted),
    duplicates: results.reduce((sum, result) => sum + result.duplicates, 0),
    ignored: results.reduce((sum, result) => sum + result.ignored, 0),
    postponed: results.flatMap((result) => result.postponed),
  };
}

async function sendDeadLetters(client: PoolClient, queue: string, deadLetters: readonly DeadLetter[]): Promise<void> {
  await sendBatch(
    client,
    queue,
    deadLetters.map(({ reason, message }) => ({
      reason,
      received_at: new Date().toISOString(),
      message: message.message,
    })),
  );
}
