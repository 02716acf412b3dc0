import type { Complexity } from '../../contracts/query-class.ts';
import type { Executor } from '../postgres/pool.ts';

/** What is believed of one (model, complexity), and what follows from it for those who choose. */
export interface LearnerCell {
  model: string;
  complexity: Complexity;
  successes: number;
  failures: number;
  observations: number;
  priorShare: number;
  cusumWorse: number;
  cusumBetter: number;
  responseTimes: number;
  responseTimeSumMs: number;
  /** As the learner writes them. */
  parts: unknown;
  baseScore: number | null;
  clock: number;
  agedAtMs: number;
  /** In [0, 1]. */
  successRate: number;
  /** How many outcomes the success rate rests on, the prior's share included. */
  strength: number;
  refinements: StoredRefinement[];
}

/** By how much the success rate differs for an instance, a provider or a query type, in [−1, 1]. */
export interface StoredRefinement {
  kind: 'instance' | 'provider' | 'query_type';
  value: string;
  offset: number;
}

interface Row {
  model_name: string;
  complexity_level: Complexity;
  successes: number;
  failures: number;
  observations: number;
  prior_share: number;
  cusum_worse: number;
  cusum_better: number;
  response_times: number;
  response_time_sum_ms: number;
  parts: unknown;
  base_score: number | null;
  clock: string;
  aged_at: Date;
  success_rate: number;
  strength: number;
  refinements: StoredRefinement[];
}

const columns = `model_name, complexity_level, successes, failures, observations, prior_share, cusum_worse, cusum_better,
  response_times, response_time_sum_ms, parts, base_score, clock, aged_at, success_rate, strength, refinements`;

function toCell(row: Row): LearnerCell {
  return {
    model: row.model_name,
    complexity: row.complexity_level,
    successes: row.successes,
    failures: row.failures,
    observations: row.observations,
    priorShare: row.prior_share,
    cusumWorse: row.cusum_worse,
    cusumBetter: row.cusum_better,
    responseTimes: row.response_times,
    responseTimeSumMs: row.response_time_sum_ms,
    parts: row.parts,
    baseScore: row.base_score,
    clock: Number(row.clock),
    agedAtMs: row.aged_at.getTime(),
    successRate: row.success_rate,
    strength: row.strength,
    refinements: row.refinements,
  };
}

/** The cells of these models, of all where `models` is null, in key order. */
export async function listLearnerCells(db: Executor, models: readonly string[] | null): Promise<LearnerCell[]> {
  const { rows } = await db.query<Row>(
    `select ${columns} from learner_cells where $1::text[] is null or model_name = any($1)
     order by model_name, complexity_level`,
    [models],
  );
  return rows.map(toCell);
}

/** What those who choose need of it. Cells that the learner has not aged for an hour are left out: it may be gone. */
export type CellBelief = Pick<LearnerCell, 'model' | 'complexity' | 'successRate' | 'strength' | 'refinements'>;

export async function listCellBeliefs(db: Executor): Promise<CellBelief[]> {
  const { rows } = await db.query<
    Pick<Row, 'model_name' | 'complexity_level' | 'success_rate' | 'strength' | 'refinements'>
  >(
    `select model_name, complexity_level, success_rate, strength, refinements from learner_cells
     where aged_at > now() - interval '1 hour'`,
  );
  return rows.map((row) => ({
    model: row.model_name,
    complexity: row.complexity_level,
    successRate: row.success_rate,
    strength: row.strength,
    refinements: row.refinements,
  }));
}

/** Sets cells, in key order; at most one for each (model, complexity). */
export async function upsertLearnerCells(db: Executor, cells: readonly LearnerCell[]): Promise<void> {
  if (cells.length === 0) return;
  await db.query(
    `insert into learner_cells (${columns})
     select ${columns} from jsonb_populate_recordset(null::learner_cells, $1::jsonb) as given
     order by model_name, complexity_level
     on conflict (model_name, complexity_level) do update set
       successes = excluded.successes, failures = excluded.failures, observations = excluded.observations,
       prior_share = excluded.prior_share, cusum_worse = excluded.cusum_worse, cusum_better = excluded.cusum_better,
       response_times = excluded.response_times, response_time_sum_ms = excluded.response_time_sum_ms,
       parts = excluded.parts, base_score = excluded.base_score, clock = excluded.clock, aged_at = excluded.aged_at,
       success_rate = excluded.success_rate, strength = excluded.strength, refinements = excluded.refinements`,
    [
      JSON.stringify(
        cells.map((cell) => ({
          model_name: cell.model,
          complexity_level: cell.complexity,
          successes: cell.successes,
          failures: cell.failures,
          observations: cell.observations,
          prior_share: cell.priorShare,
          cusum_worse: cell.cusumWorse,
          cusum_better: cell.cusumBetter,
          response_times: cell.responseTimes,
          response_time_sum_ms: cell.responseTimeSumMs,
          parts: cell.parts,
          base_score: cell.baseScore,
          clock: cell.clock,
          aged_at: new Date(cell.agedAtMs).toISOString(),
          success_rate: cell.successRate,
          strength: cell.strength,
          refinements: cell.refinements,
        })),
      ),
    ],
  );
}

/** Forgets everything that was learned of these models, of all where `models` is null. */
export async function deleteLearnerCells(db: Executor, models: readonly string[] | null): Promise<void> {
  await db.query('delete from learner_cells where $1::text[] is null or model_name = any($1)', [models]);
}

/** Requests of each complexity that the fleet has answered. */
export async function readClocks(db: Executor): Promise<Map<Complexity, number>> {
  const { rows } = await db.query<{ complexity_level: Complexity; requests: string }>(
    'select complexity_level, requests from learner_clocks',
  );
  return new Map(rows.map((row) => [row.complexity_level, Number(row.requests)]));
}

export async function writeClocks(db: Executor, clocks: ReadonlyMap<Complexity, number>): Promise<void> {
  await db.query(
    `insert into learner_clocks (complexity_level, requests)
     select * from unnest($1::text[], $2::bigint[]) as given (level, requests) order by level
     on conflict (complexity_level) do update set requests = excluded.requests`,
    [[...clocks.keys()], [...clocks.values()]],
  );
}
