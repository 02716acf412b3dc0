import type { ProviderHealth } from '../../contracts/index.ts';
import type { Executor } from '../postgres/pool.ts';

interface ProviderHealthRow {
  provider: string;
  status: ProviderHealth['status'];
  simulated: boolean;
  model_count: number;
  last_checked_at: Date | null;
  last_ok_at: Date | null;
  consecutive_failures: number;
  latency_ms: number | null;
  error: string | null;
}

/** The health of every provider that was configured at the last refresh, with the number of models it offers. */
export async function listProviderHealth(db: Executor): Promise<ProviderHealth[]> {
  const { rows } = await db.query<ProviderHealthRow>(
    `select provider, status, simulated,
       (select count(*)::integer from models where models.provider = provider_health.provider and listed) as model_count,
       last_checked_at, last_ok_at, consecutive_failures, latency_ms, error
     from provider_health order by provider`,
  );
  return rows.map((row) => ({
    ...row,
    last_checked_at: row.last_checked_at?.toISOString() ?? null,
    last_ok_at: row.last_ok_at?.toISOString() ?? null,
  }));
}

/** Makes exactly these providers known; new ones start as `unknown`. Answers how many came or went. */
export async function setProviders(
  db: Executor,
  providers: ReadonlyArray<{ name: string; simulated: boolean }>,
): Promise<number> {
  const names = providers.map((provider) => provider.name);
  const gone = await db.query('delete from provider_health where provider <> all($1::text[])', [names]);
  const come = await db.query(
    `insert into provider_health (provider, status, simulated)
     select name, 'unknown', simulated from unnest($1::text[], $2::boolean[]) as p (name, simulated)
     order by name
     on conflict (provider) do update set simulated = excluded.simulated
     where provider_health.simulated <> excluded.simulated`,
    [names, providers.map((provider) => provider.simulated)],
  );
  return (gone.rowCount ?? 0) + (come.rowCount ?? 0);
}

/** Those of these providers that were not checked after `since`. */
export async function listProvidersToCheck(db: Executor, names: readonly string[], since: Date): Promise<string[]> {
  const { rows } = await db.query<{ provider: string }>(
    `select name as provider from unnest($1::text[]) as p (name)
     where not exists (select from provider_health where provider = name and last_checked_at > $2)
     order by name`,
    [names, since],
  );
  return rows.map((row) => row.provider);
}

export interface ProviderCheck {
  provider: string;
  simulated: boolean;
  checkedAt: Date;
  /** Null when the check failed. */
  latencyMs: number | null;
  error: string | null;
}

/** Failures in a row that make a provider unhealthy; one success makes it healthy. */
const failuresToUnhealthy = 3;

/** Records checks. Answers the providers whose status changed by it. */
export async function recordProviderChecks(
  db: Executor,
  checks: readonly ProviderCheck[],
): Promise<Array<{ provider: string; status: ProviderHealth['status'] }>> {
  const { rows } = await db.query<{ provider: string; status: ProviderHealth['status'] }>(
    `with before as (
       select provider, status from provider_health where provider = any($1::text[])
     ), written as (
       insert into provider_health
         (provider, status, simulated, last_checked_at, last_ok_at, consecutive_failures, latency_ms, error)
       select provider, case when latency_ms is null then 'unknown' else 'healthy' end, simulated, checked_at,
         case when latency_ms is null then null else checked_at end,
         case when latency_ms is null then 1 else 0 end, latency_ms, error
       from unnest($1::text[], $2::boolean[], $3::timestamptz[], $4::double precision[], $5::text[])
         as c (provider, simulated, checked_at, latency_ms, error)
       order by provider
       on conflict (provider) do update set
         status = case
           when excluded.latency_ms is not null then 'healthy'
           when provider_health.consecutive_failures + 1 >= $6 then 'unhealthy'
           else provider_health.status end,
         simulated = excluded.simulated,
         last_checked_at = excluded.last_checked_at,
         last_ok_at = coalesce(excluded.last_ok_at, provider_health.last_ok_at),
         consecutive_failures =
           case when excluded.latency_ms is not null then 0 else provider_health.consecutive_failures + 1 end,
         latency_ms = coalesce(excluded.latency_ms, provider_health.latency_ms),
         error = excluded.error
       returning provider, status
     )
     select written.provider, written.status
     from written left join before on before.provider = written.provider
     where written.status is distinct from before.status
     order by written.provider`,
    [
      checks.map((check) => check.provider),
      checks.map((check) => check.simulated),
      checks.map((check) => check.checkedAt),
      checks.map((check) => check.latencyMs),
      checks.map((check) => check.error),
      failuresToUnhealthy,
    ],
  );
  return rows;
}
