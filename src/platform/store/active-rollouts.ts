import type { Executor } from '../postgres/pool.ts';

/** A rollout that sends something to its candidate, as routers act on it. */
export interface ActiveRolloutRow {
  rolloutId: string;
  state: 'shadow' | 'canary';
  /** Of the requests of the control, in (0, 1]. */
  share: number;
  provider: string;
  modelId: string;
  controlProvider: string;
  controlModelId: string;
}

/** Rollouts that copy requests or let their candidate answer some, by age. */
export async function listActiveRollouts(db: Executor): Promise<ActiveRolloutRow[]> {
  const { rows } = await db.query<ActiveRolloutRow>(
    `select rollout_id as "rolloutId", state, share, provider, model_id as "modelId",
       control_provider as "controlProvider", control_model_id as "controlModelId"
     from rollouts where state in ('shadow', 'canary') and share > 0
     order by created_at, rollout_id`,
  );
  return rows;
}
