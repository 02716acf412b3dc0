import type { RolloutState } from '../../contracts/rollout.ts';
import type { Executor } from '../postgres/pool.ts';

/** A step of a rollout, by whom and why. */
export interface RolloutLogEntry {
  seq: string;
  at: Date;
  event: string;
  /** Null of the proposal. */
  fromState: RolloutState | null;
  toState: RolloutState;
  fromStage: number | null;
  toStage: number;
  actor: string;
  reason: string;
  evidence: unknown;
}

export async function appendRolloutLog(
  db: Executor,
  rolloutId: string,
  entry: Omit<RolloutLogEntry, 'seq' | 'at'>,
): Promise<void> {
  await db.query(
    `insert into rollout_log (rollout_id, event, from_state, to_state, from_stage, to_stage, actor, reason, evidence)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb)`,
    [
      rolloutId,
      entry.event,
      entry.fromState,
      entry.toState,
      entry.fromStage,
      entry.toStage,
      entry.actor,
      entry.reason,
      JSON.stringify(entry.evidence),
    ],
  );
}

/** In the order of the steps; at most `limit`, the newest. */
export async function listRolloutLog(db: Executor, rolloutId: string, limit: number): Promise<RolloutLogEntry[]> {
  const { rows } = await db.query<{
    seq: string;
    at: Date;
    event: string;
    from_state: RolloutState | null;
    to_state: RolloutState;
    from_stage: number | null;
    to_stage: number;
    actor: string;
    reason: string;
    evidence: unknown;
  }>(
    `select seq, at, event, from_state, to_state, from_stage, to_stage, actor, reason, evidence
     from rollout_log where rollout_id = $1 order by seq desc limit $2`,
    [rolloutId, limit],
  );
  return rows
    .map((row) => ({
      seq: row.seq,
      at: row.at,
      event: row.event,
      fromState: row.from_state,
      toState: row.to_state,
      fromStage: row.from_stage,
      toStage: row.to_stage,
      actor: row.actor,
      reason: row.reason,
      evidence: row.evidence,
    }))
    .reverse();
}
