import { decisionsQueue } from '../../contracts/event.ts';
import type { Executor } from '../postgres/pool.ts';
import { decisionsDeadLetterQueue } from '../postgres/queues.ts';

/** A message of the decisions queue that could not be counted. */
export interface NewDeadLetter {
  messageId: string;
  reason: string;
  /** The id that the event has where it gives none, so that it stays the same event however often it is replayed. */
  eventId: string;
  /** How often it was given back to the queue before. */
  replays: number;
}

export interface ListedDeadLetter {
  /** A 64-bit number, which JavaScript cannot hold as one. */
  id: string;
  reason: string | null;
  enqueuedAt: Date;
  replays: number;
}

/** Which letters: these, or the oldest of all up to one, at most `limit`. */
export type DeadLetterSelection = { ids: readonly string[] } | { upTo: string; limit: number };

const table = `pgmq.q_${decisionsDeadLetterQueue}`;

const replays = `case when jsonb_typeof(message -> 'replays') = 'number' then (message -> 'replays')::integer else 0 end`;

/** Copies messages to the dead letters; the caller deletes them from the queue. */
export async function sendDeadLetters(db: Executor, letters: readonly NewDeadLetter[]): Promise<void> {
  if (letters.length === 0) return;
  await db.query(
    `select pgmq.send_batch($1::text, array_agg(
       jsonb_build_object('reason', reason, 'received_at', now(), 'event_id', event_id, 'replays', replays,
         -- A replayed message is wrapped in its history.
         'message', case when replays > 0 then message -> 'message' else message end)
       order by msg_id))
     from unnest($2::bigint[], $3::text[], $4::uuid[], $5::integer[]) as letter (msg_id, reason, event_id, replays)
     join pgmq.q_${decisionsQueue} using (msg_id)`,
    [
      decisionsDeadLetterQueue,
      letters.map((letter) => letter.messageId),
      letters.map((letter) => letter.reason),
      letters.map((letter) => letter.eventId),
      letters.map((letter) => letter.replays),
    ],
  );
}

/** The newest first, at most `limit`, from before the letter `before` on. */
export async function listDeadLetters(
  db: Executor,
  page: { before: string | undefined; limit: number },
): Promise<ListedDeadLetter[]> {
  const { rows } = await db.query<DeadLetterRow>(
    `select msg_id::text as id, message ->> 'reason' as reason, enqueued_at, ${replays} as replays
     from ${table}
     where $1::bigint is null or msg_id < $1
     order by msg_id desc limit $2`,
    [page.before, page.limit],
  );
  return rows.map(toDeadLetter);
}

/** One letter with its message. */
export async function findDeadLetter(
  db: Executor,
  id: string,
): Promise<(ListedDeadLetter & { message: unknown }) | undefined> {
  const { rows } = await db.query<DeadLetterRow & { original: unknown }>(
    `select msg_id::text as id, message ->> 'reason' as reason, enqueued_at, ${replays} as replays,
       message -> 'message' as original
     from ${table} where msg_id = $1`,
    [id],
  );
  const row = rows[0];
  return row === undefined ? undefined : { ...toDeadLetter(row), message: row.original };
}

interface DeadLetterRow {
  id: string;
  reason: string | null;
  enqueued_at: Date;
  replays: number;
}

function toDeadLetter(row: DeadLetterRow): ListedDeadLetter {
  return { id: row.id, reason: row.reason, enqueuedAt: row.enqueued_at, replays: row.replays };
}

/** How many letters there are, up to `upTo` or all. */
export async function countDeadLetters(db: Executor, upTo?: string): Promise<number> {
  const { rows } = await db.query<{ count: string }>(
    `select count(*) from ${table} where $1::bigint is null or msg_id <= $1`,
    [upTo],
  );
  return Number(rows[0]?.count ?? 0);
}

/** Deletes letters for good. Returns how many there were. */
export async function deleteDeadLetters(db: Executor, selection: DeadLetterSelection): Promise<number> {
  const { rowCount } = await db.query(
    `delete from ${table} where msg_id in (${selected(selection)})`,
    given(selection),
  );
  return rowCount ?? 0;
}

/** Moves letters back to the decisions queue, in their order. Returns how many there were. */
export async function replayDeadLetters(db: Executor, selection: DeadLetterSelection): Promise<number> {
  const { rows } = await db.query<{ count: string }>(
    `with taken as (
       delete from ${table} where msg_id in (${selected(selection)}) returning msg_id, message
     ), sent as (
       select pgmq.send_batch($3::text, array_agg(
         jsonb_build_object(
           'replay', jsonb_build_object('event_id', message -> 'event_id', 'replays', ${replays} + 1),
           'message', message -> 'message')
         order by msg_id))
       from taken having count(*) > 0
     )
     select count(*) from sent`,
    [...given(selection), decisionsQueue],
  );
  return Number(rows[0]?.count ?? 0);
}

function selected(selection: DeadLetterSelection): string {
  return 'ids' in selection
    ? `select msg_id from ${table} where msg_id = any($1::bigint[]) limit $2::integer`
    : `select msg_id from ${table} where msg_id <= $1::bigint order by msg_id limit $2::integer`;
}

function given(selection: DeadLetterSelection): unknown[] {
  return 'ids' in selection ? [selection.ids, selection.ids.length] : [selection.upTo, selection.limit];
}
