import type { Executor } from '../postgres/pool.ts';
import type { Cell } from './model-routing-metrics.ts';

/** Notes that everything counted so far of these cells was learned from. */
export async function upsertWatermarks(
  db: Executor,
  cells: ReadonlyArray<Pick<Cell, 'model' | 'complexity' | 'totals'>>,
): Promise<void> {
  await db.query(
    `insert into learner_watermarks (model_name, complexity_level, usage_count, success_count, response_time_sum,
       response_time_count)
     select model, complexity, usage_count, success_count, time_sum, time_count
     from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::float8[], $6::bigint[])
       as given (model, complexity, usage_count, success_count, time_sum, time_count)
     order by model, complexity
     on conflict (model_name, complexity_level) do update set
       usage_count = excluded.usage_count, success_count = excluded.success_count,
       response_time_sum = excluded.response_time_sum, response_time_count = excluded.response_time_count,
       updated_at = now()`,
    [
      cells.map((cell) => cell.model),
      cells.map((cell) => cell.complexity),
      cells.map((cell) => cell.totals.usageCount),
      cells.map((cell) => cell.totals.successCount),
      cells.map((cell) => cell.totals.responseTimeSumMs),
      cells.map((cell) => cell.totals.responseTimeCount),
    ],
  );
}
