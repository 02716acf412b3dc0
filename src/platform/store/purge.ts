import type { Executor } from '../postgres/pool.ts';
import { decisionsDeadLetterQueue } from '../postgres/queues.ts';
import { isLiveInstance } from './instances.ts';

/** What is to go: what is older than a time, what is of an instance, or what is of a virtual key (its id in lower case). */
export type PurgeScope = { before: Date } | { instanceId: string } | { keyId: string };

/** A table, or one day of it, of which some rows are to go. */
export interface PurgePart {
  /** As people know it: `routing_records` for each of its days. */
  name: string;
  /** As it is in the database. */
  table: string;
  /** Which rows; `$1` is `value`. */
  condition: string;
  value: Date | string;
  /** Its size in blocks of 8 KiB when it was listed. */
  blocks: number;
  /** Nothing in it is to stay. */
  whole: boolean;
}

interface Rule {
  table: string;
  condition: string;
}

const older = (column: string): string => `${column} < $1::timestamptz`;
const deadLetters = `pgmq.q_${decisionsDeadLetterQueue}`;

const rulesOfTime: readonly Rule[] = [
  { table: 'routing_records', condition: older('timestamp') },
  { table: 'race_mode_results', condition: older('created_at') },
  // Events may wait in the outbox of a router for a while, and count again once their ids are forgotten.
  { table: 'processed_events', condition: `${older('processed_at')} and processed_at < now() - interval '1 day'` },
  { table: 'learner_evidence', condition: older('received_at') },
  { table: 'rollout_observations', condition: older('observed_at') },
  { table: 'model_latency_sketches', condition: older('hour') },
  { table: 'traffic_latencies', condition: older('bucket') },
  { table: deadLetters, condition: older('enqueued_at') },
];

const rulesOfInstance: readonly Rule[] = [
  { table: 'routing_records', condition: 'instance_id = $1' },
  { table: 'race_mode_results', condition: 'instance_id = $1' },
  { table: 'learner_evidence', condition: 'instance_id = $1' },
  { table: 'decision_tallies', condition: 'instance_id = $1' },
  { table: deadLetters, condition: `message -> 'message' ->> 'instance_id' = $1` },
  // What one still holds, central charges when it expires.
  { table: 'budget_leases', condition: 'instance_id = $1 and granted_usd = 0' },
  { table: 'instances', condition: 'instance_id = $1' },
];

const rulesOfKey: readonly Rule[] = [
  { table: 'race_mode_results', condition: 'caller_id = $1' },
  { table: deadLetters, condition: `message -> 'message' #>> '{routing_decision,race,caller_id}' = $1` },
  // Its budget, limits and leases go with it.
  { table: 'virtual_keys', condition: 'key_id::text = $1 and revoked_at is not null' },
];

function rulesOf(scope: PurgeScope): { rules: readonly Rule[]; value: Date | string } {
  if ('before' in scope) return { rules: rulesOfTime, value: scope.before };
  if ('instanceId' in scope) return { rules: rulesOfInstance, value: scope.instanceId };
  return { rules: rulesOfKey, value: scope.keyId };
}

/** The tables of which a scope takes rows, in the order in which they are best deleted; a partitioned one by its days. */
export async function listPurgeParts(db: Executor, scope: PurgeScope): Promise<PurgePart[]> {
  const { rules, value } = rulesOf(scope);
  const { rows } = await db.query<{ position: number; table: string; blocks: number; whole: boolean }>(
    `select position::integer, leaf.relid::regclass::text as table,
       (pg_relation_size(leaf.relid) / current_setting('block_size')::bigint)::integer as blocks,
       coalesce($2::timestamptz >= day.ends_at, false) as whole
     from unnest($1::text[]) with ordinality as rule (name, position)
       cross join lateral (
         select relid from pg_partition_tree(rule.name::regclass) where isleaf
         -- A table without partitions is in no such tree.
         union select oid from pg_class where oid = rule.name::regclass and relkind = 'r'
       ) as leaf
       join pg_class on pg_class.oid = leaf.relid
       cross join lateral (
         select case when relname ~ '^routing_records_[0-9]{8}$'
           then (to_date(right(relname, 8), 'YYYYMMDD') + 1)::timestamp at time zone 'UTC' end as ends_at
       ) as day
     order by position, relname`,
    [rules.map(({ table }) => table), 'before' in scope ? scope.before : null],
  );
  return rows.flatMap(({ position, ...part }) => {
    const rule = rules[position - 1];
    return rule === undefined ? [] : [{ ...part, name: rule.table, condition: rule.condition, value }];
  });
}

/** How many rows are to go. Reads all of the table. */
export async function countPurgeable(db: Executor, { table, condition, value }: PurgePart): Promise<number> {
  const { rows } = await db.query<{ count: string }>(`select count(*) from ${table} where ${condition}`, [value]);
  return Number(rows[0]?.count ?? 0);
}

/** The size of a part in blocks of 8 KiB, now. */
export async function measureBlocks(db: Executor, { table }: PurgePart): Promise<number> {
  const { rows } = await db.query<{ blocks: number }>(
    `select (pg_relation_size($1::regclass) / current_setting('block_size')::bigint)::integer as blocks`,
    [table],
  );
  return rows[0]?.blocks ?? 0;
}

/**
 * Deletes what is to go of some blocks of a part, but for rows that somebody is changing at the moment: it waits for nobody,
 * so that nobody waits for long for it. Returns how many.
 */
export async function purgeBlocks(db: Executor, part: PurgePart, firstBlock: number, blocks: number): Promise<number> {
  const { table, condition, value } = part;
  const { rowCount } = await db.query(
    `delete from ${table} where ctid = any(array(
       select ctid from ${table} where ctid >= $2::tid and ctid < $3::tid and (${condition}) for update skip locked
     ))`,
    [value, `(${firstBlock},0)`, `(${firstBlock + blocks},0)`],
  );
  return rowCount ?? 0;
}

/**
 * Drops a day of which nothing is to stay, which gives its room back at once. Everybody who writes records waits meanwhile,
 * so it gives up after `patienceMs`, with SQLSTATE 55P03. Only within a transaction.
 */
export async function dropPart(db: Executor, { table }: PurgePart, patienceMs: number): Promise<void> {
  await db.query(`select set_config('lock_timeout', $1, true)`, [String(patienceMs)]);
  await db.query(`drop table ${table}`);
}

/** What stands against deleting what is of an instance or key; undefined where nothing does. */
export async function findPurgeObjection(db: Executor, scope: PurgeScope): Promise<string | undefined> {
  if ('instanceId' in scope) {
    const { rowCount } = await db.query(`select from instances where instance_id = $1 and ${isLiveInstance}`, [
      scope.instanceId,
    ]);
    return rowCount === 0 ? undefined : `${scope.instanceId} is running; stop it and wait for a minute`;
  }
  if ('keyId' in scope) {
    const { rowCount } = await db.query('select from virtual_keys where key_id::text = $1 and revoked_at is null', [
      scope.keyId,
    ]);
    return rowCount === 0 ? undefined : `${scope.keyId} is in use; signalbox keys revoke ${scope.keyId}`;
  }
  return undefined;
}

/** The queue of an instance; undefined where it has none, or is not known. */
export async function findInstanceQueue(db: Executor, instanceId: string): Promise<string | undefined> {
  const { rows } = await db.query<{ queue_name: string | null }>(
    'select queue_name from instances where instance_id = $1',
    [instanceId],
  );
  return rows[0]?.queue_name ?? undefined;
}
