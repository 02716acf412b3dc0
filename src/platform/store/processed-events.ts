import type { Executor } from '../postgres/pool.ts';

/** Marks events as counted. Returns the ids of those that were not yet. */
export async function insertProcessedEvents(db: Executor, eventIds: readonly string[]): Promise<Set<string>> {
  const { rows } = await db.query<{ event_id: string }>(
    `insert into processed_events (event_id)
     select event_id from unnest($1::uuid[]) as event_id order by event_id
     on conflict do nothing
     returning event_id`,
    [eventIds],
  );
  return new Set(rows.map((row) => row.event_id));
}

/** Takes the mark away again, from events that will come once more. */
export async function deleteProcessedEvents(db: Executor, eventIds: readonly string[]): Promise<void> {
  if (eventIds.length === 0) return;
  await db.query('delete from processed_events where event_id = any($1::uuid[])', [eventIds]);
}

/** Deletes up to `limit` marks older than `days`. Returns how many. */
export async function pruneProcessedEvents(db: Executor, days: number, limit: number): Promise<number> {
  const { rowCount } = await db.query(
    `delete from processed_events
     where event_id in (
       select event_id from processed_events
       where processed_at < now() - make_interval(days => $1) order by processed_at limit $2
     )`,
    [days, limit],
  );
  return rowCount ?? 0;
}

/** When the newest event was counted; undefined where none is remembered. */
export async function findNewestEventTime(db: Executor): Promise<Date | undefined> {
  const { rows } = await db.query<{ newest: Date | null }>('select max(processed_at) as newest from processed_events');
  return rows[0]?.newest ?? undefined;
}
