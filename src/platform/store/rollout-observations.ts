import type { RolloutArm, ShadowPair } from '../../contracts/rollout.ts';
import type { Executor } from '../postgres/pool.ts';

/** What one outcome says of a rollout. The names are those of the columns. */
export interface NewObservation {
  rollout_id: string;
  arm: RolloutArm;
  /** Share of the canary at that time; of a copy, the share that is copied. In [0, 1]. */
  share: number;
  /** The conversation, as this rollout alone knows it; null, or left out, where it is not known. */
  unit?: string | null;
  /**
   * `outcome`: how an attempt ended; `quality`: what feedback says of one; `pair`: a copy beside the user's answer; `left`:
   * the client did not wait for the end; `unavailable`: the model was not there for the request.
   */
  kind: 'outcome' | 'quality' | 'pair' | 'left' | 'unavailable';
  /** Of an outcome: it was a failure or a refusal; of quality: it was judged bad. Null of the others. */
  bad: boolean | null;
  /**
   * Of a stream until the first token, of a whole answer until its end, in milliseconds. Of an outcome that is no bad one, and
   * of one whose client left, who waited so long.
   */
  latency_ms: number | null;
  /** Which of the two the latency is; null where there is none. */
  streamed: boolean | null;
  /** Of an outcome, in USD. */
  cost_usd: number | null;
  /** Of a pair alone. */
  pair: ShadowPair | null;
}

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

const columns = 'rollout_id, arm, share, unit, kind, bad, latency_ms, streamed, cost_usd, pair';

/** Inserts observations in the order given. */
export async function insertObservations(db: Executor, observations: readonly NewObservation[]): Promise<void> {
  if (observations.length === 0) return;
  await db.query({
    name: 'insert-rollout-observations',
    text: `insert into rollout_observations (${columns})
     select ${columns}
     from rows from (jsonb_populate_recordset(null::rollout_observations, $1::jsonb)) with ordinality
     order by ordinality`,
    values: [JSON.stringify(observations)],
  });
}

/** Rollouts, real or not, of which observations wait. */
export async function listObservedRollouts(db: Executor): Promise<string[]> {
  const { rows } = await db.query<{ rollout_id: string }>('select distinct rollout_id from rollout_observations');
  return rows.map((row) => row.rollout_id);
}

/** The oldest of a rollout, in their order; at most `limit`. */
export async function readObservations(db: Executor, rolloutId: string, limit: number): Promise<QueuedObservation[]> {
  const { rows } = await db.query<QueuedObservation>(
    `select id, kind, arm, share, unit, bad, latency_ms as "latencyMs", streamed, cost_usd as "costUsd", pair
     from rollout_observations where rollout_id = $1 order by id limit $2`,
    [rolloutId, limit],
  );
  return rows;
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

/** Deletes up to `limit` observations that nobody has taken for `days`. Returns how many. */
export async function pruneObservations(db: Executor, days: number, limit: number): Promise<number> {
  const { rowCount } = await db.query(
    `delete from rollout_observations where id in (
       select id from rollout_observations where observed_at < now() - make_interval(days => $1) order by id limit $2)`,
    [days, limit],
  );
  return rowCount ?? 0;
}
