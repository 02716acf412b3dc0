import type { PoolClient } from '../../platform/postgres/pool.ts';
import { cellKey, latencyOfLastHours } from '../../platform/store/latency-sketches.ts';

const hours = 24;

/** The 95th percentile of the response times of a model and complexity in the last day, in ms; null where there are none. */
export async function recentP95(
  client: PoolClient,
  models: readonly string[],
): Promise<(model: string, complexity: string) => number | null> {
  const latencies = await latencyOfLastHours(client, hours, models);
  return (model, complexity) => latencies.get(cellKey(model, complexity))?.quantile(0.95) ?? null;
}
