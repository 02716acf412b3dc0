import type { Executor } from './pool.ts';

/** A message as it was read. */
export interface QueueMessage {
  /** A 64-bit number, which JavaScript cannot hold as one. */
  messageId: string;
  /** How often it was read, this time included. */
  readCount: number;
  enqueuedAt: Date;
  message: unknown;
}

export interface QueueMetrics {
  /** Messages in the queue, hidden ones included. */
  length: number;
  /** `null` when the queue is empty. */
  oldestAgeSeconds: number | null;
  /** Messages ever sent. */
  totalMessages: number;
}

interface MessageRow {
  msg_id: string;
  read_ct: number;
  enqueued_at: Date;
  message: unknown;
}

/** Makes a queue; nothing happens when it exists. At most 47 characters. */
export async function createQueue(db: Executor, queue: string): Promise<void> {
  await db.query('select pgmq.create($1::text)', [queue]);
}

/** Drops a queue with its messages and bindings. `false` when there was none. */
export async function dropQueue(db: Executor, queue: string): Promise<boolean> {
  const { rows } = await db.query<{ dropped: boolean }>('select pgmq.drop_queue($1::text) as dropped', [queue]);
  return rows[0]?.dropped ?? false;
}

/** Sends messages in one statement, in their order. Returns their ids. */
export async function sendBatch(db: Executor, queue: string, messages: readonly unknown[]): Promise<string[]> {
  const documents = messages.map((message) => Buffer.from(JSON.stringify(message)));
  return sendJsonBatch(db, queue, documents);
}

/** The same for messages that are JSON already, in UTF-8. */
export async function sendJsonBatch(db: Executor, queue: string, documents: readonly Buffer[]): Promise<string[]> {
  if (documents.length === 0) return [];
  const { rows } = await db.query<{ msg_id: string }>(
    // One document instead of an array of texts: the driver would escape each of them again. Bytes go as they are.
    `select msg_id::text from pgmq.send_batch($1::text, array(
       select message from jsonb_array_elements(convert_from($2::bytea, 'UTF8')::jsonb) with ordinality as given (message, position) order by position
     )) as sent (msg_id)`,
    [queue, toJsonArray(documents)],
  );
  return rows.map((row) => row.msg_id);
}

function toJsonArray(documents: readonly Buffer[]): Buffer {
  const comma = Buffer.from(',');
  const parts = documents.flatMap((document, index) => (index === 0 ? [document] : [comma, document]));
  return Buffer.concat([Buffer.from('['), ...parts, Buffer.from(']')]);
}

/**
 * Reads up to `quantity` messages, oldest first, and hides them from other readers for `visibilitySeconds`. They come
 * again unless they are deleted.
 */
export async function readBatch(
  db: Executor,
  queue: string,
  visibilitySeconds: number,
  quantity: number,
): Promise<QueueMessage[]> {
  const { rows } = await db.query<MessageRow>(
    `select msg_id::text, read_ct, enqueued_at, message
     from pgmq.read($1::text, $2::integer, $3::integer) as batch
     order by batch.msg_id`,
    [queue, visibilitySeconds, quantity],
  );
  return rows.map((row) => ({
    messageId: row.msg_id,
    readCount: row.read_ct,
    enqueuedAt: row.enqueued_at,
    message: row.message,
  }));
}

/** Deletes messages for good. Returns how many there were. */
export async function deleteBatch(db: Executor, queue: string, messageIds: readonly string[]): Promise<number> {
  if (messageIds.length === 0) return 0;
  const { rowCount } = await db.query('select pgmq.delete($1::text, $2::bigint[])', [queue, messageIds]);
  return rowCount ?? 0;
}

/** Has every message that is sent to a matching topic put into the queue. Nothing happens when it is bound already. */
export async function bindTopic(db: Executor, pattern: string, queue: string): Promise<void> {
  await db.query('select pgmq.bind_topic($1::text, $2::text)', [pattern, queue]);
}

/** Sends a message to all queues bound to the topic. Returns to how many; with none, the message is gone. */
export async function sendTopic(db: Executor, routingKey: string, message: unknown): Promise<number> {
  const { rows } = await db.query<{ queues: number }>('select pgmq.send_topic($1::text, $2::jsonb) as queues', [
    routingKey,
    JSON.stringify(message),
  ]);
  return rows[0]?.queues ?? 0;
}

/** Throws when there is no such queue. Counts the queue's rows, so not for every second. */
export async function queueMetrics(db: Executor, queue: string): Promise<QueueMetrics> {
  const { rows } = await db.query<{ length: string; oldest: number | null; total: string }>(
    `select queue_length as length, oldest_msg_age_sec as oldest, total_messages as total
     from pgmq.metrics($1::text)`,
    [queue],
  );
  const row = rows[0];
  return {
    length: Number(row?.length ?? 0),
    oldestAgeSeconds: row?.oldest ?? null,
    totalMessages: Number(row?.total ?? 0),
  };
}

/** Messages that are counted at the most by `countWaiting`. */
const mostCounted = 100_000;

/** How many messages wait, 100,000 at the most, and since when the oldest does. Quick while the queue is short. */
export async function countWaiting(
  db: Executor,
  queue: string,
): Promise<{ length: number; oldestAgeSeconds: number | null }> {
  const { rows } = await db.query<{ length: number; oldest: number | null }>(
    `select count(*)::integer as length,
       greatest(0, extract(epoch from now() - (select enqueued_at from ${queueTable(queue)} order by msg_id limit 1)))::float8
         as oldest
     from (select from ${queueTable(queue)} limit ${mostCounted}) as waiting`,
  );
  return { length: rows[0]?.length ?? 0, oldestAgeSeconds: rows[0]?.oldest ?? null };
}

/** Names of all queues, sorted. */
export async function listQueues(db: Executor): Promise<string[]> {
  const { rows } = await db.query<{ queue_name: string }>('select queue_name from pgmq.list_queues() order by 1');
  return rows.map((row) => row.queue_name);
}

/**
 * Bounds a queue that perhaps nobody reads: deletes what is older than `maxAgeSeconds` and what is not among the newest
 * `keepNewest` messages. Returns how many were deleted.
 */
export async function trimQueue(
  db: Executor,
  queue: string,
  keepNewest: number,
  maxAgeSeconds: number,
): Promise<number> {
  const table = queueTable(queue);
  const { rowCount } = await db.query(
    `delete from ${table}
     where enqueued_at < now() - make_interval(secs => $2)
       or msg_id <= (select msg_id from ${table} order by msg_id desc offset $1 limit 1)`,
    [keepNewest, maxAgeSeconds],
  );
  return rowCount ?? 0;
}

/** pgmq has no function for it, so the name becomes part of a statement: nothing but plain characters. */
function queueTable(queue: string): string {
  if (!/^[a-z0-9_]{1,47}$/.test(queue)) throw new RangeError(`not a plain queue name: ${queue}`);
  return `pgmq.q_${queue}`;
}
