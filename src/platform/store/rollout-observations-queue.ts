import type { Executor } from '../postgres/pool.ts';

/** An observation as the consumer wrote it. */
export interface QueuedObservation {
  id: string;
  kind: string;
  arm: string;
  share: number;
  unit: string | null;
  bad: boolean | null;
  latencyMs: number | null;
  streamed: boolean | null;
  costUsd: number | null;
  pair: unknown;
}

/** Rollouts, real or not, of which observations wait. */
export async function listObservedRollouts(db: Executor): Promise<string[]> {
  const { rows } = await db.query<{ rollout_id: string }>('select distinct rollout_id from rollout_observations');
  return rows.map((row) => row.rollout_id);
}

/** The oldest of a rollout, in their order; at most `limit`. */
export async function readObservations(db: Executor, rolloutId: string, limit: number): Promise<QueuedObservation[]> {
  const { rows } = await db.query<{
    id: string;
    kind: string;
    arm: string;
    share: number;
    unit: string | null;
    bad: boolean | null;
    latency_ms: number | null;
    streamed: boolean | null;
    cost_usd: number | null;
    pair: unknown;
  }>(
    `select id, kind, arm, share, unit, bad, latency_ms, streamed, cost_usd, pair from rollout_observations
     where rollout_id = $1 order by id limit $2`,
    [rolloutId, limit],
  );
  return rows.map((row) => ({
    id: row.id,
    kind: row.kind,
    arm: row.arm,
    share: row.share,
    unit: row.unit,
    bad: row.bad,
    latencyMs: row.latency_ms,
    streamed: row.streamed,
    costUsd: row.cost_usd,
    pair: row.pair,
  }));
}

/** By their ids and not up to one: a number that is smaller than one that was read may be committed only afterwards. */
export async function deleteObservations(db: Executor, ids: readonly string[]): Promise<void> {
  await db.query('delete from rollout_observations where id = any($1::bigint[])', [ids]);
}

/** Answers how many. */
export async function deleteAllObservations(db: Executor, rolloutId: string): Promise<number> {
  const { rowCount } = await db.query('delete from rollout_observations where rollout_id = $1', [rolloutId]);
  return rowCount ?? 0;
}
