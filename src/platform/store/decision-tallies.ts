import type { Executor } from '../postgres/pool.ts';

/** What is added to the tally of one instance. */
export interface TallyChange {
  instanceId: string;
  /** When the decisions were first counted, by the database's clock; null for now. */
  openedAt: string | null;
  decisions: number;
  unknown: number;
}

/** How many decisions of an instance have had time for an outcome, and of how many none came. */
export interface UnknownShare {
  instanceId: string;
  decisions: number;
  unknown: number;
}

/** Adds to the tallies, in the order of their keys. */
export async function addTallies(db: Executor, changes: readonly TallyChange[]): Promise<void> {
  if (changes.length === 0) return;
  await db.query({
    name: 'add-tallies',
    text: `insert into decision_tallies as tally (minute, instance_id, decisions, unknown)
     select date_trunc('minute', coalesce(opened_at, now())) as minute, instance_id, sum(decisions), sum(unknown)
     from unnest($1::text[], $2::timestamptz[], $3::bigint[], $4::bigint[])
       as change (instance_id, opened_at, decisions, unknown)
     group by 1, 2 order by 1, 2
     on conflict (minute, instance_id) do update set
       decisions = tally.decisions + excluded.decisions, unknown = tally.unknown + excluded.unknown`,
    values: [
      changes.map((change) => change.instanceId),
      changes.map((change) => change.openedAt),
      changes.map((change) => change.decisions),
      changes.map((change) => change.unknown),
    ],
  });
}

/**
 * Marks decisions as unknown whose outcome has not come for `afterSeconds`, the oldest first, at most `limit`; those that
 * somebody else is changing at the moment are left for the next time. Returns how many of each instance, and how many of
 * these are copies for a rollout, which no tally counts.
 */
export async function markUnknownOutcomes(
  db: Executor,
  afterSeconds: number,
  limit: number,
): Promise<Array<{ instanceId: string; count: number; copies: number }>> {
  const { rows } = await db.query<{ instance_id: string; count: number; copies: number }>(
    `with silent as (
       select timestamp, decision_id, attempt from routing_records
       where outcome = 'routed' and expects_outcome and get_byte(uuid_send(decision_id), 6) >> 4 <> 8
         and created_at < now() - make_interval(secs => $1)
       order by created_at limit $2
       for update skip locked
     ), marked as (
       update routing_records as record set outcome = 'unknown', updated_at = now()
       from silent
       where record.timestamp = silent.timestamp and record.decision_id = silent.decision_id
         and record.attempt = silent.attempt
       returning record.instance_id, record.created_at, record.origin = 'shadow' as is_copy
     ), tallied as (
       insert into decision_tallies as tally (minute, instance_id, decisions, unknown)
       select date_trunc('minute', created_at), instance_id, 0, count(*) from marked where not is_copy group by 1, 2 order by 1, 2
       on conflict (minute, instance_id) do update set unknown = tally.unknown + excluded.unknown
     )
     select instance_id, count(*)::integer, count(*) filter (where is_copy)::integer as copies
     from marked group by 1 order by 1`,
    [afterSeconds, limit],
  );
  return rows.map((row) => ({ instanceId: row.instance_id, count: row.count, copies: row.copies }));
}

/** Of each instance, over the newest hour whose decisions have had `afterSeconds` for their outcome. */
export async function listUnknownShares(db: Executor, afterSeconds: number): Promise<UnknownShare[]> {
  const { rows } = await db.query<{ instance_id: string; decisions: string; unknown: string }>(
    `select instance_id, sum(decisions) as decisions, sum(unknown) as unknown
     from decision_tallies
     where minute >= date_trunc('minute', now() - make_interval(secs => $1, hours => 1))
       and minute <= now() - make_interval(secs => $1)
     group by instance_id order by instance_id`,
    [afterSeconds],
  );
  return rows.map((row) => ({
    instanceId: row.instance_id,
    decisions: Number(row.decisions),
    unknown: Number(row.unknown),
  }));
}

/** Deletes up to `limit` tallies older than `days`. Returns how many. */
export async function pruneTallies(db: Executor, days: number, limit: number): Promise<number> {
  const { rowCount } = await db.query(
    `delete from decision_tallies where ctid in (
       select ctid from decision_tallies where minute < now() - make_interval(days => $1) limit $2)`,
    [days, limit],
  );
  return rowCount ?? 0;
}
