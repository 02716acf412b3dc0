import type { Outcome } from '../../contracts/event.ts';
import { messageOf } from '../../platform/core/errors.ts';
import { timeOfUuid } from '../../platform/core/ids.ts';
import type { QueueMessage } from '../../platform/postgres/pgmq.ts';
import { type Pool, type PoolClient, withTransaction } from '../../platform/postgres/pool.ts';
import { isRetryable } from '../../platform/postgres/retryable.ts';
import { withSavepoint } from '../../platform/postgres/savepoint.ts';
import { deleteProcessedEvents, insertProcessedEvents } from '../../platform/store/processed-events.ts';
import { type NewDeadLetter, sendDeadLetters } from '../../platform/store/dead-letters.ts';
import { lockOpening } from '../../platform/store/routing-records.ts';
import { deleteMessages, lockMessages, postponeMessages } from '../../platform/store/decision-messages.ts';
import { type Applied, applyEvents, RecordConflict } from '../aggregate/apply-events.ts';
import { type DecisionEvent, type Delivery, parseMessage } from './parse-message.ts';
import type { Turns } from './turns.ts';

export interface BatchOptions {
  batchSize: number;
  /** How long feedback waits that came before what it is about. */
  visibilitySeconds: number;
  /** Shared by those who consume at the same time in one process: see `createConsumer`. */
  turns?: Turns;
}

/** What one batch came to. */
export interface BatchResult {
  /** Messages read. */
  read: number;
  counted: Outcome[];
  duplicates: number;
  /** Further outcomes of attempts that had ended. */
  ignored: number;
  /** Outcomes of decisions that counted as unknown. */
  late: number;
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
  delivery: Delivery;
  event: DecisionEvent;
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
export async function consumeBatch(pool: Pool, options: BatchOptions): Promise<BatchResult> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await consume(pool, options, applyTogether);
    } catch (error) {
      if (error instanceof RecordConflict && attempt < maxAttempts) continue;
      if (!isAboutTheMessage(error)) throw error;
      return consume(pool, options, applyOneByOne);
    }
  }
}

type Apply = (
  client: PoolClient,
  events: readonly ReadEvent[],
  deadLetters: NewDeadLetter[],
  nowMs: number,
  turn: () => Promise<void>,
) => Promise<Applied>;

async function consume(pool: Pool, options: BatchOptions, apply: Apply): Promise<BatchResult> {
  let endTurn: (() => void) | undefined;
  async function turn(): Promise<void> {
    endTurn = await options.turns?.take();
  }
  try {
    return await consumeInTurn(pool, options, apply, turn);
  } finally {
    endTurn?.();
  }
}

function consumeInTurn(
  pool: Pool,
  options: BatchOptions,
  apply: Apply,
  turn: () => Promise<void>,
): Promise<BatchResult> {
  return withTransaction(pool, async (client) => {
    const messages = await lockMessages(client, options.batchSize);
    const understood: ReadEvent[] = [];
    const deadLetters: NewDeadLetter[] = [];
    for (const message of messages) {
      const parsed = parseMessage(message);
      if ('event' in parsed) understood.push({ message, delivery: parsed, event: parsed.event });
      else deadLetters.push(toDeadLetter(message, parsed, parsed.reason));
    }

    // By the clock of the database: those of the instances may be wrong.
    const newestMs = Math.max(...messages.map((message) => message.enqueuedAt.getTime()));
    const applied =
      understood.length === 0 ? combine([]) : await apply(client, understood, deadLetters, newestMs, turn);
    const waiting = new Set(applied.postponed);
    const postponed = understood
      .filter(({ message, event }) => waiting.has(event) && message.readCount < maxReads)
      .map(({ message }) => message.messageId);
    const kept = new Set(postponed);
    await sendDeadLetters(client, deadLetters);
    await postponeMessages(client, postponed, options.visibilitySeconds);
    await deleteMessages(
      client,
      messages.map((message) => message.messageId).filter((messageId) => !kept.has(messageId)),
    );

    const nowMs = Date.now();
    return {
      read: messages.length,
      counted: applied.counted.map((event) => event.decision.outcome),
      duplicates: applied.duplicates,
      ignored: applied.ignored,
      late: applied.late,
      postponed: postponed.length,
      orphans: applied.postponed.length - postponed.length,
      deadLetters: deadLetters.length,
      lagsMs: messages.map((message) => Math.max(0, nowMs - message.enqueuedAt.getTime())),
    };
  });
}

const applyTogether: Apply = (client, events, _deadLetters, nowMs, turn) =>
  applyEvents(
    client,
    events.map(({ event }) => event),
    nowMs,
    async () => {
      await turn();
      await lockOpening(client, events.every(({ event }) => opensAtItsTime(event)) ? 'shared' : 'alone');
    },
  );

/**
 * Whether it would open its record at the time of the decision itself, as those of the routers do. Others may each give a
 * time of their own for what they say of one decision. An event without an id is a decision of its own.
 */
function opensAtItsTime({ decisionId, timestamp, decision }: DecisionEvent): boolean {
  return decision.decision_id === undefined || timeOfUuid(decisionId) === Date.parse(timestamp);
}

/** Those that cannot be stored join the dead letters. */
const applyOneByOne: Apply = async (client, events, deadLetters, nowMs, turn) => {
  // Whoever has written one of the ids may be waiting for the turn: the ids come before it here too. They stay ours when
  // they are deleted, until the transaction ends.
  const ids = await insertProcessedEvents(
    client,
    events.map(({ event }) => event.eventId),
  );
  await turn();
  await lockOpening(client, 'alone');
  await deleteProcessedEvents(client, [...ids]);
  const results: Applied[] = [];
  for (const { event, message, delivery } of events) {
    try {
      results.push(await applyInSavepoint(client, event, nowMs));
    } catch (error) {
      if (!isAboutTheMessage(error)) throw error;
      deadLetters.push(toDeadLetter(message, delivery, messageOf(error)));
    }
  }
  return combine(results);
};

async function applyInSavepoint(client: PoolClient, event: DecisionEvent, nowMs: number): Promise<Applied> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await withSavepoint(client, () => applyEvents(client, [event], nowMs));
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
    late: results.reduce((sum, result) => sum + result.late, 0),
    postponed: results.flatMap((result) => result.postponed),
  };
}

function toDeadLetter({ messageId }: QueueMessage, delivery: Delivery, reason: string): NewDeadLetter {
  return { messageId, reason, eventId: delivery.ownId(), replays: delivery.replays };
}
