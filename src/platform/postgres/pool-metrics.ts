import type { Metrics } from '../telemetry/metrics.ts';
import type { Pool } from './pool.ts';

/** Shows what a process has of connections, and who waits for one. */
export function showPool(metrics: Metrics, pool: Pool): void {
  metrics.sampledGauge('signalbox_database_connections', () => [
    [{ state: 'in_use' }, pool.totalCount - pool.idleCount],
    [{ state: 'idle' }, pool.idleCount],
  ]);
  metrics.gauge('signalbox_database_connections_limit').set(pool.options.max);
  metrics.sampledGauge('signalbox_database_waiting', () => [[{}, pool.waitingCount]]);
}
