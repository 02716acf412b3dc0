import { decisionsChannel, decisionsQueue, type RoutingEvent } from '../../src/contracts/event.ts';
import { sleep } from '../../src/platform/core/clock.ts';
import { notify } from '../../src/platform/postgres/notify.ts';
import { sendBatch } from '../../src/platform/postgres/pgmq.ts';
import type { Pool } from '../../src/platform/postgres/pool.ts';
import { makeEvents } from './messages.ts';

export interface LagOptions {
  seconds: number;
  eventsPerSecond: number;
  /** Routers that send, each every `flushMs`, at times of its own. */
  senders: number;
  flushMs: number;
}

interface Sent {
  sentAtMs: number;
  /** An outcome is visible when the record has it, a choice when there is a record. */
  isOutcome: boolean;
}

const apart = 400;
const pollMs = 3;
const lookedAt = 200;

/**
 * Milliseconds from the moment at which a router sends a batch until each of its events is counted in routing_records, as
 * another connection sees it: sending, the notification, the consumer's transaction, and up to `pollMs` of looking.
 */
export async function measureLag(pool: Pool, options: LagOptions): Promise<number[]> {
  const { seconds, eventsPerSecond, senders, flushMs } = options;
  const events = makeEvents((seconds * eventsPerSecond) / 2, apart);
  const waiting = { routed: new Map<string, Sent>(), outcome: new Map<string, Sent>() };
  const lags: number[] = [];
  const startAtMs = performance.now();
  const sending = Promise.all(Array.from({ length: senders }, (_, sender) => sendAll(sender)));
  while (lags.length < events.length) {
    await look();
    await sleep(pollMs);
  }
  await sending;
  return lags;

  /** Each event when it falls due, with what else has fallen due since the last batch. */
  async function sendAll(sender: number): Promise<void> {
    let next = sender;
    await sleep((flushMs * sender) / senders);
    while (next < events.length) {
      const due: RoutingEvent[] = [];
      const elapsedMs = performance.now() - startAtMs;
      for (; next < events.length && (1000 * next) / eventsPerSecond <= elapsedMs; next += senders) {
        const event = events[next];
        if (event !== undefined) due.push(event);
      }
      if (due.length > 0) {
        const sentAtMs = performance.now();
        for (const { routing_decision: decision } of due) {
          const isOutcome = decision.outcome !== 'routed';
          waiting[isOutcome ? 'outcome' : 'routed'].set(decision.decision_id ?? '', { sentAtMs, isOutcome });
        }
        await sendBatch(pool, decisionsQueue, due);
        await notify(pool, decisionsChannel, '');
      }
      await sleep(flushMs - ((performance.now() - startAtMs + flushMs * (1 - sender / senders)) % flushMs));
    }
  }

  async function look(): Promise<void> {
    // The oldest, which are counted first: to look at all would cost more than to count them, once they pile up.
    const ids = [...new Set([waiting.routed, waiting.outcome].flatMap((of) => [...of.keys()].slice(0, lookedAt)))];
    if (ids.length === 0) return;
    const { rows } = await pool.query<{ decision_id: string; outcome: string }>(
      'select decision_id, outcome from routing_records where decision_id = any($1::uuid[])',
      [ids],
    );
    const nowMs = performance.now();
    for (const { decision_id: id, outcome } of rows) {
      for (const name of outcome === 'routed' ? (['routed'] as const) : (['routed', 'outcome'] as const)) {
        const sent = waiting[name].get(id);
        if (sent === undefined) continue;
        waiting[name].delete(id);
        lags.push(nowMs - sent.sentAtMs);
      }
    }
  }
}
