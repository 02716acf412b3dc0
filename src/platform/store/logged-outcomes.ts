import type { RecordOutcome } from '../../contracts/event.ts';
import type { Complexity } from '../../contracts/query-class.ts';
import type { Executor } from '../postgres/pool.ts';

/** A first attempt whose prompt was logged, and how it ended. */
export interface LoggedOutcome {
  model: string;
  complexity: Complexity;
  origin: string;
  outcome: RecordOutcome;
  error_code: string | null;
  feedback_score: number | null;
  features: number[];
}

/** The newest first attempts, at most `limit`, that have ended and whose features were scrambled with this key. */
export async function listLoggedOutcomes(db: Executor, featuresKey: string, limit: number): Promise<LoggedOutcome[]> {
  const { rows } = await db.query<LoggedOutcome>(
    `select model, complexity, origin, outcome, error_code, feedback_score, features
     from routing_records
     where features_key = $1 and attempt = 0 and origin <> 'shadow'
       and outcome in ('success', 'failure', 'timeout')
     order by timestamp desc, id desc
     limit $2`,
    [featuresKey, limit],
  );
  return rows;
}
