import { decisionsQueue } from '../../contracts/event.ts';
import type { QueueMessage } from '../postgres/pgmq.ts';
import type { Executor } from '../postgres/pool.ts';

// The consumer reads, counts and deletes in one transaction, so that a lock on the rows keeps other consumers away as
// pgmq.read does, without writing each row once more. None of this is a named statement: how it is best done changes
// with how many messages there are.

const table = `pgmq.q_${decisionsQueue}`;

/** The explanation in a message of that id, as a subquery; the message may be a replayed one. */
export const explanationIn = (messageId: string): string =>
  `(select coalesce(message #> '{routing_decision,explanation}', message #> '{message,routing_decision,explanation}')
    from ${table} where msg_id = ${messageId})`;

/**
 * Up to `quantity` messages, oldest first, locked until the transaction ends. Explanations are long and nobody looks into
 * them here: an empty one stands for each, and `insertRecords` takes them from the queue.
 */
export async function lockMessages(db: Executor, quantity: number): Promise<QueueMessage[]> {
  const { rows } = await db.query<{ msg_id: string; read_ct: number; enqueued_at: Date; message: unknown }>(
    `with batch as (
       select msg_id from ${table} where vt <= clock_timestamp() order by msg_id limit $1 for update skip locked
     )
     select msg_id::text, read_ct, enqueued_at,
       case when jsonb_typeof(message #> '{routing_decision,explanation}') = 'object'
         then jsonb_set(message, '{routing_decision,explanation}', '{}') else message end as message
     from batch join ${table} as queue using (msg_id)
     order by queue.msg_id`,
    [quantity],
  );
  return rows.map((row) => ({
    messageId: row.msg_id,
    // This time included, as pgmq.read counts; written only when the message is postponed.
    readCount: row.read_ct + 1,
    enqueuedAt: row.enqueued_at,
    message: row.message,
  }));
}

export async function deleteMessages(db: Executor, messageIds: readonly string[]): Promise<void> {
  if (messageIds.length === 0) return;
  await db.query(`delete from ${table} where msg_id = any($1::bigint[])`, [messageIds]);
}

/** Hides messages for a while, as one that was read and not deleted is hidden. */
export async function postponeMessages(db: Executor, messageIds: readonly string[], seconds: number): Promise<void> {
  if (messageIds.length === 0) return;
  await db.query(
    `update ${table} set read_ct = read_ct + 1, vt = clock_timestamp() + make_interval(secs => $2)
     where msg_id = any($1::bigint[])`,
    [messageIds, seconds],
  );
}
