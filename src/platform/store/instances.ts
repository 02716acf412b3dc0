import type { Executor } from '../postgres/pool.ts';

/** A process that takes part. */
export interface NewInstance {
  instanceId: string;
  service: string;
  version: string;
  /** The queue on which it hears of new scores; null where it has none. */
  queueName: string | null;
  /** Where it answers, such as `http://10.0.0.7:8001`; null where it says nothing. */
  address: string | null;
  startedAt: Date;
}

export interface Instance extends NewInstance {
  /** The newest score update that it has applied. */
  appliedSeq: number;
  lastSeenAt: Date;
  /** Whether it was heard of within a minute, in which it would have spoken a dozen times. */
  isLive: boolean;
}

interface InstanceRow {
  instance_id: string;
  service: string;
  version: string;
  queue_name: string | null;
  address: string | null;
  applied_seq: string;
  started_at: Date;
  last_seen_at: Date;
  is_live: boolean;
}

const columns = `instance_id, service, version, queue_name, address, applied_seq, started_at, last_seen_at,
  last_seen_at > now() - interval '1 minute' as is_live`;

function toInstance(row: InstanceRow): Instance {
  return {
    instanceId: row.instance_id,
    service: row.service,
    version: row.version,
    queueName: row.queue_name,
    address: row.address,
    appliedSeq: Number(row.applied_seq),
    startedAt: row.started_at,
    lastSeenAt: row.last_seen_at,
    isLive: row.is_live,
  };
}

/** Announces an instance; one of the same id is replaced, with nothing applied yet. */
export async function registerInstance(db: Executor, instance: NewInstance): Promise<void> {
  await db.query(
    `insert into instances (instance_id, service, version, queue_name, address, started_at)
     values ($1, $2, $3, $4, $5, $6)
     on conflict (instance_id) do update set
       service = excluded.service, version = excluded.version, queue_name = excluded.queue_name,
       address = excluded.address, started_at = excluded.started_at, applied_seq = 0, last_seen_at = now()`,
    [instance.instanceId, instance.service, instance.version, instance.queueName, instance.address, instance.startedAt],
  );
}

/**
 * Says that an instance is alive and how far it is. False when it is not known, because its silence was so long that it
 * was removed with its queue: it then has to make its queue and register again.
 */
export async function heartbeatInstance(db: Executor, instanceId: string, appliedSeq: number): Promise<boolean> {
  const { rowCount } = await db.query(
    'update instances set last_seen_at = now(), applied_seq = $2 where instance_id = $1',
    [instanceId, appliedSeq],
  );
  return rowCount === 1;
}

/** All instances by id. */
export async function listInstances(db: Executor): Promise<Instance[]> {
  const { rows } = await db.query<InstanceRow>(`select ${columns} from instances order by instance_id`);
  return rows.map(toInstance);
}

/** Removes the instances that were not seen for `hours`, and returns them, so that their queues can be dropped. */
export async function deleteInstancesUnseenFor(db: Executor, hours: number): Promise<Instance[]> {
  const { rows } = await db.query<InstanceRow>(
    `delete from instances where last_seen_at < now() - make_interval(hours => $1) returning ${columns}`,
    [hours],
  );
  return rows.map(toInstance);
}

/** How many processes of a service were seen in the last `staleAfterSeconds`, and how many were not and are not removed yet. */
export async function countInstances(
  db: Executor,
  service: string,
  staleAfterSeconds: number,
): Promise<{ alive: number; stale: number }> {
  const { rows } = await db.query<{ alive: number; stale: number }>(
    `select count(*) filter (where is_alive)::integer as alive, count(*) filter (where not is_alive)::integer as stale
     from instances cross join lateral (select last_seen_at > now() - make_interval(secs => $2) as is_alive) seen
     where service = $1`,
    [service, staleAfterSeconds],
  );
  return rows[0] ?? { alive: 0, stale: 0 };
}
