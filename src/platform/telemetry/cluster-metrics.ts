import { AggregatorRegistry } from 'prom-client';
import type { Metrics } from './metrics.ts';

let aggregator: AggregatorRegistry<'text/plain; version=0.0.4; charset=utf-8'> | undefined;

/**
 * In the primary of a cluster: the metrics of all its workers in Prometheus's format, each summed up, but for
 * those that are no amounts. A worker that ended takes its counts along, which Prometheus sees as a restart.
 */
export function collectClusterMetrics(): Promise<string> {
  aggregator ??= new AggregatorRegistry();
  return aggregator.clusterMetrics();
}

/** In a worker: gives these metrics to the primary whenever it collects. */
export function shareMetricsWithPrimary(metrics: Metrics): void {
  AggregatorRegistry.setRegistries(metrics.registry);
  aggregator ??= new AggregatorRegistry();
}
