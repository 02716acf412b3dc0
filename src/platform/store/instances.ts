import type { Executor } from '../postgres/pool.ts';

/** Which configuration an instance works with. */
export interface ConfigVersion {
  /** 1 from its start, one more with each change; null for an instance that does not say. */
  configVersion: number | null;
  /** Of its file: instances with equal files have equal ones. Null: no file, or it does not say. */
  configHash: string | null;
}

interface InstanceFields {
  instanceId: string;
  service: string;
  version: string;
  /** The queue on which it hears of new scores; null where it has none. */
  queueName: string | null;
  /** Where it answers, such as `http://10.0.0.7:8001`; null where it says nothing. */
  address: string | null;
  startedAt: Date;
}

/** A process that takes part. */
export type NewInstance = InstanceFields & Partial<ConfigVersion>;

export interface Instance extends InstanceFields, ConfigVersion {
  /** The newest score update that it has applied. */
  appliedSeq: number;
  lastSeenAt: Date;
  /** As `isLiveInstance` says. */
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
  config_version: number | null;
  config_hash: string | null;
}

/** In SQL: whether an instance was heard of within a minute, in which it would have spoken a dozen times. */
export const isLiveInstance = "last_seen_at > now() - interval '1 minute'";

const columns = `instance_id, service, version, queue_name, address, applied_seq, started_at, last_seen_at,
  ${isLiveInstance} as is_live, config_version, config_hash`;

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
    configVersion: row.config_version,
    configHash: row.config_hash,
  };
}

/** Announces an instance; one of the same id is replaced, with nothing applied yet. */
export async function registerInstance(db: Executor, instance: NewInstance): Promise<void> {
  await db.query(
    `insert into instances (instance_id, service, version, queue_name, address, started_at, config_version, config_hash)
     values ($1, $2, $3, $4, $5, $6, $7, $8)
     on conflict (instance_id) do update set
       service = excluded.service, version = excluded.version, queue_name = excluded.queue_name,
       address = excluded.address, started_at = excluded.started_at, config_version = excluded.config_version,
       config_hash = excluded.config_hash, applied_seq = 0, last_seen_at = now()`,
    [
      instance.instanceId,
      instance.service,
      instance.version,
      instance.queueName,
      instance.address,
      instance.startedAt,
      instance.configVersion ?? null,
      instance.configHash ?? null,
    ],
  );
}

/**
 * Says that an instance is alive, how far it is, and with which configuration. False when it is not known, because its
 * silence was so long that it was removed with its queue: it then has to make its queue and register again.
 */
export async function heartbeatInstance(
  db: Executor,
  instanceId: string,
  appliedSeq: number,
  { configVersion, configHash }: ConfigVersion = { configVersion: null, configHash: null },
): Promise<boolean> {
  const { rowCount } = await db.query(
    `update instances set last_seen_at = now(), applied_seq = $2, config_version = $3, config_hash = $4
     where instance_id = $1`,
    [instanceId, appliedSeq, configVersion, configHash],
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

/** How many processes of a service were seen in the last minute, and how many were not and are not removed yet. */
export async function countInstances(db: Executor, service: string): Promise<{ alive: number; stale: number }> {
  const { rows } = await db.query<{ alive: number; stale: number }>(
    `select count(*) filter (where ${isLiveInstance})::integer as alive,
       count(*) filter (where not ${isLiveInstance})::integer as stale
     from instances where service = $1`,
    [service],
  );
  return rows[0] ?? { alive: 0, stale: 0 };
}
