import type { Executor } from '../postgres/pool.ts';

/** How often each instance chose each model in the last day, the most frequent first, at most `limit`. */
export async function listUsageByInstance(
  db: Executor,
  limit: number,
): Promise<Array<{ instanceId: string; model: string; usageCount: number }>> {
  const { rows } = await db.query<{ instance_id: string; model: string; usage_count: string }>(
    'select instance_id, model, usage_count from model_usage_by_instance limit $1',
    [limit],
  );
  return rows.map((row) => ({ instanceId: row.instance_id, model: row.model, usageCount: Number(row.usage_count) }));
}

/** Success rates in percent, the best first, at most `limit`; null where nothing has ended yet. */
export async function listSuccessRates(
  db: Executor,
  limit: number,
): Promise<Array<{ model: string; complexity: string; successPercent: number | null; usageCount: number }>> {
  const { rows } = await db.query<{
    model: string;
    complexity_level: string;
    success_rate: string | null;
    usage_count: string;
  }>('select model, complexity_level, success_rate, usage_count from model_success_rates limit $1', [limit]);
  return rows.map((row) => ({
    model: row.model,
    complexity: row.complexity_level,
    successPercent: row.success_rate === null ? null : Number(row.success_rate),
    usageCount: Number(row.usage_count),
  }));
}

/** Mean response times in milliseconds, the slowest first, at most `limit`. */
export async function listResponseTimeTrends(
  db: Executor,
  limit: number,
): Promise<Array<{ model: string; complexity: string; avgMs: number; maxMs: number }>> {
  const { rows } = await db.query<{ model: string; complexity_level: string; avg_ms: string; max_ms: number }>(
    'select model, complexity_level, avg_ms, max_ms from model_response_time_trends limit $1',
    [limit],
  );
  return rows.map((row) => ({
    model: row.model,
    complexity: row.complexity_level,
    avgMs: Number(row.avg_ms),
    maxMs: row.max_ms,
  }));
}
