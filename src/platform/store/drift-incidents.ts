import type { Complexity } from '../../contracts/query-class.ts';
import { uuidv7 } from '../core/ids.ts';
import type { Executor } from '../postgres/pool.ts';

/** What the learner knew of a model when it found that the model fails far more than before. */
export interface DriftDetail {
  /** In [0, 1], as believed without and with the evidence of the alarm. */
  success_rate_before: number;
  success_rate_after: number;
  /** Outcomes seen before since the belief was begun; 0 where the rate before is the catalogue's word. */
  observations_before: number;
  /** What was taken in when the alarm came. Successes and failures are weighted by age, so they are no whole numbers. */
  evidence: { requests: number; successes: number; failures: number };
}

export interface Drift {
  model: string;
  complexity: Complexity;
  detail: DriftDetail;
}

/**
 * Opens an incident for each, unless one is open of the same model and complexity: that one stays as it is. Returns how
 * many were opened.
 */
export async function openDriftIncidents(db: Executor, drifts: readonly Drift[]): Promise<number> {
  if (drifts.length === 0) return 0;
  const { rowCount } = await db.query(
    `insert into incidents (incident_id, kind, model_id, complexity, detail)
     select incident_id, 'drift', model_id, complexity, detail
     from unnest($1::uuid[], $2::text[], $3::text[], $4::jsonb[]) as drift (incident_id, model_id, complexity, detail)
     order by model_id, complexity
     on conflict (kind, model_id, complexity) where closed_at is null do nothing`,
    [
      drifts.map(() => uuidv7()),
      drifts.map(({ model }) => model),
      drifts.map(({ complexity }) => complexity),
      drifts.map(({ detail }) => JSON.stringify(detail)),
    ],
  );
  return rowCount ?? 0;
}
