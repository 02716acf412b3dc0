import type { ModelStatus } from '../../contracts/index.ts';
import type { Executor } from '../postgres/pool.ts';

/** What decides whether a model may take part in a rollout. */
export interface ModelPlace {
  status: ModelStatus;
  listed: boolean;
  /** Whether somebody has set the status, so that a refresh leaves it alone. */
  isPinned: boolean;
}

export async function findModelPlace(db: Executor, provider: string, modelId: string): Promise<ModelPlace | undefined> {
  const { rows } = await db.query<{ status: ModelStatus; listed: boolean; is_pinned: boolean }>(
    `select status, listed, 'status' = any(pinned_fields) as is_pinned from models
     where provider = $1 and model_id = $2`,
    [provider, modelId],
  );
  const row = rows[0];
  return row === undefined ? undefined : { status: row.status, listed: row.listed, isPinned: row.is_pinned };
}

/** Sets the status, and whether a refresh leaves it alone. */
export async function setModelStatus(
  db: Executor,
  model: { provider: string; modelId: string },
  status: ModelStatus,
  isPinned: boolean,
): Promise<void> {
  await db.query(
    `update models set status = $3, updated_at = now(),
       pinned_fields = case when $4 then array(select distinct unnest(array_append(pinned_fields, 'status')) order by 1)
                            else array_remove(pinned_fields, 'status') end
     where provider = $1 and model_id = $2`,
    [model.provider, model.modelId, status, isPinned],
  );
}

/** Since when each of these providers is known: its first model. Those without any are left out. */
export async function findProviderStarts(db: Executor, providers: readonly string[]): Promise<Map<string, Date>> {
  const { rows } = await db.query<{ provider: string; started_at: Date }>(
    'select provider, min(created_at) as started_at from models where provider = any($1::text[]) group by provider',
    [providers],
  );
  return new Map(rows.map((row) => [row.provider, row.started_at]));
}
