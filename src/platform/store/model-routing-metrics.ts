import type { Complexity } from '../../contracts/query-class.ts';
import type { Executor } from '../postgres/pool.ts';

/** What is added to the counters of one (model, complexity); corrections are negative. */
export interface MetricDelta {
  model: string;
  complexity: string;
  routed: number;
  /** Terminal outcomes other than `cancelled`. */
  usage: number;
  success: number;
  failure: number;
  timeout: number;
  cancelled: number;
  /** The part of `usage` and of `success` that nothing may be learned from, because nobody has judged it. */
  unjudged: number;
  unjudgedSuccess: number;
  feedbackCount: number;
  feedbackSum: number;
  inputTokens: number;
  outputTokens: number;
  costUsd: number;
  /** Of successes, oldest first. */
  responseTimesMs: number[];
}

/** All that was counted of one (model, complexity), with its scores. */
export interface ModelMetrics {
  model: string;
  complexity: string;
  routedCount: number;
  usageCount: number;
  successCount: number;
  failureCount: number;
  timeoutCount: number;
  cancelledCount: number;
  feedbackCount: number;
  feedbackMean: number | null;
  avgResponseTimeMs: number | null;
  responseTimeCount: number;
  inputTokens: number;
  outputTokens: number;
  costUsd: number;
  /** The learned score; null while none is. */
  score: number | null;
  /** The best of the providers that offer the model; null where the catalogue does not know it. */
  catalogueScore: number | null;
  updatedAt: Date;
}

/** The evidence of one (model, complexity): all that one may learn from, and how much of it was learned from. */
export interface Cell {
  model: string;
  complexity: Complexity;
  totals: Evidence;
  learned: Evidence;
  score: number | null;
  catalogueScore: number | null;
}

export interface Evidence {
  usageCount: number;
  successCount: number;
  responseTimeSumMs: number;
  responseTimeCount: number;
}

/** How many response times the seed's array keeps. */
const keptResponseTimes = 100;

/** The catalogue's score of a model at a complexity, as a subquery over the outer row. */
const catalogueScore = `(
  select max(case metrics.complexity_level
    when 'simple' then simple_score when 'medium' then medium_score else complex_score end)
  from models where model_id = metrics.model_name)`;

/**
 * Adds to the counters, one row for each (model, complexity), in key order. The rows stay locked until the transaction
 * ends, which also protects what else is kept of the same cells.
 */
export async function addMetrics(db: Executor, deltas: readonly MetricDelta[]): Promise<void> {
  if (deltas.length === 0) return;
  await db.query(
    `insert into model_routing_metrics as metrics (model_name, complexity_level, routed_count, usage_count,
       success_count, failure_count, timeout_count, cancelled_count, unjudged_count, unjudged_success_count,
       feedback_count, feedback_sum, input_tokens, output_tokens, cost_usd, response_times, avg_response_time,
       response_time_count)
     select model, complexity, routed, usage, success, failure, timeout, cancelled, unjudged, unjudged_success,
       feedback_count, feedback_sum, input_tokens, output_tokens, cost_usd, times::integer[],
       (select avg(time) from unnest(times::integer[]) as time), cardinality(times::integer[])
     from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
       $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::float8[], $13::bigint[], $14::bigint[],
       $15::float8[], $16::text[])
       as delta (model, complexity, routed, usage, success, failure, timeout, cancelled, unjudged, unjudged_success,
         feedback_count, feedback_sum, input_tokens, output_tokens, cost_usd, times)
     order by model, complexity
     on conflict (model_name, complexity_level) do update set
       routed_count = metrics.routed_count + excluded.routed_count,
       usage_count = metrics.usage_count + excluded.usage_count,
       success_count = metrics.success_count + excluded.success_count,
       failure_count = metrics.failure_count + excluded.failure_count,
       timeout_count = metrics.timeout_count + excluded.timeout_count,
       cancelled_count = metrics.cancelled_count + excluded.cancelled_count,
       unjudged_count = metrics.unjudged_count + excluded.unjudged_count,
       unjudged_success_count = metrics.unjudged_success_count + excluded.unjudged_success_count,
       feedback_count = metrics.feedback_count + excluded.feedback_count,
       feedback_sum = metrics.feedback_sum + excluded.feedback_sum,
       input_tokens = metrics.input_tokens + excluded.input_tokens,
       output_tokens = metrics.output_tokens + excluded.output_tokens,
       cost_usd = metrics.cost_usd + excluded.cost_usd,
       response_times = (metrics.response_times || excluded.response_times)[greatest(1,
         cardinality(metrics.response_times) + cardinality(excluded.response_times) - ${keptResponseTimes - 1}):],
       avg_response_time = case when excluded.response_time_count = 0 then metrics.avg_response_time else
         (coalesce(metrics.avg_response_time, 0) * metrics.response_time_count
           + excluded.avg_response_time * excluded.response_time_count)
         / (metrics.response_time_count + excluded.response_time_count) end,
       response_time_count = metrics.response_time_count + excluded.response_time_count,
       updated_at = now()`,
    [
      deltas.map((delta) => delta.model),
      deltas.map((delta) => delta.complexity),
      deltas.map((delta) => delta.routed),
      deltas.map((delta) => delta.usage),
      deltas.map((delta) => delta.success),
      deltas.map((delta) => delta.failure),
      deltas.map((delta) => delta.timeout),
      deltas.map((delta) => delta.cancelled),
      deltas.map((delta) => delta.unjudged),
      deltas.map((delta) => delta.unjudgedSuccess),
      deltas.map((delta) => delta.feedbackCount),
      deltas.map((delta) => delta.feedbackSum),
      deltas.map((delta) => delta.inputTokens),
      deltas.map((delta) => delta.outputTokens),
      deltas.map((delta) => delta.costUsd),
      // Arrays of different lengths: PostgreSQL has no array of arrays, so each travels as its text.
      deltas.map((delta) => `{${delta.responseTimesMs.join(',')}}`),
    ],
  );
}

/** Counters by model and complexity, at most `limit`. */
export async function listModelMetrics(db: Executor, limit: number): Promise<ModelMetrics[]> {
  const { rows } = await db.query<MetricsRow>(
    `select metrics.model_name, metrics.complexity_level, routed_count, usage_count, success_count, failure_count,
       timeout_count, cancelled_count, feedback_count, feedback_sum, avg_response_time, response_time_count,
       input_tokens, output_tokens, cost_usd, metrics.updated_at, scores.score,
       ${catalogueScore} as catalogue_score
     from model_routing_metrics as metrics
     left join complexity_scores as scores using (model_name, complexity_level)
     order by metrics.model_name, metrics.complexity_level
     limit $1`,
    [limit],
  );
  return rows.map(toModelMetrics);
}

interface MetricsRow {
  model_name: string;
  complexity_level: string;
  routed_count: string;
  usage_count: string;
  success_count: string;
  failure_count: string;
  timeout_count: string;
  cancelled_count: string;
  feedback_count: string;
  feedback_sum: number;
  avg_response_time: number | null;
  response_time_count: string;
  input_tokens: string;
  output_tokens: string;
  cost_usd: number;
  updated_at: Date;
  score: number | null;
  catalogue_score: number | null;
}

function toModelMetrics(row: MetricsRow): ModelMetrics {
  const feedbackCount = Number(row.feedback_count);
  return {
    model: row.model_name,
    complexity: row.complexity_level,
    routedCount: Number(row.routed_count),
    usageCount: Number(row.usage_count),
    successCount: Number(row.success_count),
    failureCount: Number(row.failure_count),
    timeoutCount: Number(row.timeout_count),
    cancelledCount: Number(row.cancelled_count),
    feedbackCount,
    feedbackMean: feedbackCount === 0 ? null : row.feedback_sum / feedbackCount,
    avgResponseTimeMs: row.avg_response_time,
    responseTimeCount: Number(row.response_time_count),
    inputTokens: Number(row.input_tokens),
    outputTokens: Number(row.output_tokens),
    costUsd: row.cost_usd,
    score: row.score,
    catalogueScore: row.catalogue_score,
    updatedAt: row.updated_at,
  };
}

/** Outcomes that one may learn from. */
const learnable = '(metrics.usage_count - metrics.unjudged_count)';

/** Cells with at least `minSamples` outcomes that were not learned from yet, at most `limit`, in key order. */
export async function listCellsToLearn(db: Executor, minSamples: number, limit: number): Promise<Cell[]> {
  const { rows } = await db.query<CellRow>(
    `select metrics.model_name, metrics.complexity_level,
       ${learnable} as usage_count, metrics.success_count - metrics.unjudged_success_count as success_count,
       coalesce(metrics.avg_response_time, 0) * metrics.response_time_count as response_time_sum,
       metrics.response_time_count,
       coalesce(learned.usage_count, 0) as learned_usage_count,
       coalesce(learned.success_count, 0) as learned_success_count,
       coalesce(learned.response_time_sum, 0) as learned_response_time_sum,
       coalesce(learned.response_time_count, 0) as learned_response_time_count,
       scores.score, ${catalogueScore} as catalogue_score
     from model_routing_metrics as metrics
     left join learner_watermarks as learned using (model_name, complexity_level)
     left join complexity_scores as scores using (model_name, complexity_level)
     where ${learnable} - coalesce(learned.usage_count, 0) >= $1
     order by metrics.model_name, metrics.complexity_level
     limit $2`,
    [minSamples, limit],
  );
  return rows.map(toCell);
}

interface CellRow {
  model_name: string;
  complexity_level: Complexity;
  usage_count: string;
  success_count: string;
  response_time_sum: number;
  response_time_count: string;
  learned_usage_count: string;
  learned_success_count: string;
  learned_response_time_sum: number;
  learned_response_time_count: string;
  score: number | null;
  catalogue_score: number | null;
}

function toCell(row: CellRow): Cell {
  return {
    model: row.model_name,
    complexity: row.complexity_level,
    totals: {
      usageCount: Number(row.usage_count),
      successCount: Number(row.success_count),
      responseTimeSumMs: row.response_time_sum,
      responseTimeCount: Number(row.response_time_count),
    },
    learned: {
      usageCount: Number(row.learned_usage_count),
      successCount: Number(row.learned_success_count),
      responseTimeSumMs: row.learned_response_time_sum,
      responseTimeCount: Number(row.learned_response_time_count),
    },
    score: row.score,
    catalogueScore: row.catalogue_score,
  };
}

/** How many cells have new outcomes, but fewer than `minSamples`. */
export async function countCellsBelow(db: Executor, minSamples: number): Promise<number> {
  const { rows } = await db.query<{ count: string }>(
    `select count(*) from model_routing_metrics as metrics
     left join learner_watermarks as learned using (model_name, complexity_level)
     where ${learnable} - coalesce(learned.usage_count, 0) between 1 and $1::bigint - 1`,
    [minSamples],
  );
  return Number(rows[0]?.count ?? 0);
}
