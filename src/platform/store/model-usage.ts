import type { Executor } from '../postgres/pool.ts';

/** What is added to the measured performance of one model of one provider. */
export interface MeasuredUsage {
  provider: string;
  modelId: string;
  calls: number;
  successes: number;
  timeToFirstTokenMs: Tally;
  completionMs: Tally;
  /** Quality in [0, 1]. */
  quality: Tally;
}

/** Sum and number of some values; negative where a correction takes values back. */
export interface Tally {
  sum: number;
  count: number;
}

/**
 * Adds to the measured columns of `models`; models that the catalogue does not have are passed over. Answers how many
 * it had.
 */
export async function addMeasuredUsage(db: Executor, usages: readonly MeasuredUsage[]): Promise<number> {
  if (usages.length === 0) return 0;
  const { rowCount } = await db.query(
    `with given as (
       select * from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::float8[], $6::bigint[], $7::float8[],
         $8::bigint[], $9::float8[], $10::bigint[])
         as given (provider, model_id, calls, successes, first_token_sum, first_token_count, completion_sum,
           completion_count, quality_sum, quality_count)
     ), locked as (
       -- In key order, so that two writers never wait for each other in a circle.
       select models.provider, models.model_id from models join given using (provider, model_id)
       order by models.provider, models.model_id for no key update of models
     )
     update models set
       usage_count = usage_count + calls,
       success_count = success_count + successes,
       time_to_first_token_ms_sum = time_to_first_token_ms_sum + first_token_sum,
       time_to_first_token_count = time_to_first_token_count + first_token_count,
       completion_ms_sum = completion_ms_sum + given.completion_sum,
       completion_count = models.completion_count + given.completion_count,
       quality_sum = models.quality_sum + given.quality_sum,
       quality_count = models.quality_count + given.quality_count
     from given join locked using (provider, model_id)
     where models.provider = given.provider and models.model_id = given.model_id`,
    [
      usages.map((usage) => usage.provider),
      usages.map((usage) => usage.modelId),
      usages.map((usage) => usage.calls),
      usages.map((usage) => usage.successes),
      usages.map((usage) => usage.timeToFirstTokenMs.sum),
      usages.map((usage) => usage.timeToFirstTokenMs.count),
      usages.map((usage) => usage.completionMs.sum),
      usages.map((usage) => usage.completionMs.count),
      usages.map((usage) => usage.quality.sum),
      usages.map((usage) => usage.quality.count),
    ],
  );
  return rowCount ?? 0;
}
