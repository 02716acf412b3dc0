import type { Metrics } from '../platform/telemetry/metrics.ts';
import type { QualityFloor } from './select/quality-floor.ts';

/** How the quality floor is kept; each process of the router keeps it by itself. */
export function registerQualityMetrics(metrics: Metrics, floor: () => QualityFloor | null): void {
  metrics.sampledGauge('signalbox_router_quality_ratio', () => {
    const ratio = floor()?.meanRatio() ?? null;
    return ratio === null ? [] : [[{}, ratio]];
  });
  metrics.sampledGauge('signalbox_router_cost_quality_tradeoff_ratio', () => {
    const tradeOff = floor()?.tradeOff();
    return tradeOff === undefined ? [] : [[{}, tradeOff]];
  });
}
