import type { Clock } from '../../platform/core/clock.ts';
import type { Metrics } from '../../platform/telemetry/metrics.ts';
import type { Resilience } from './resilience.ts';

/** What is kept from being called, and what is under way, at the moment in which the metrics are read. */
export function registerResilienceMetrics(metrics: Metrics, resilience: Resilience, clock: Clock): void {
  const states = () => resilience.states(clock.monotonicMs());
  metrics.sampledGauge('signalbox_upstream_ejected', () =>
    states().ejected.map(({ target }) => [{ target: metrics.boundedLabel('target', target) }, 1]),
  );
  metrics.sampledGauge('signalbox_upstream_throttled_ratio', () =>
    states().throttled.map(({ target, rejectProbability }) => [
      { target: metrics.boundedLabel('target', target) },
      rejectProbability,
    ]),
  );
  metrics.sampledGauge('signalbox_upstream_calls', () =>
    states().underWay.map(({ target, underWay }) => [{ provider: metrics.boundedLabel('provider', target) }, underWay]),
  );
  metrics.sampledGauge('signalbox_upstream_calls_waiting', () =>
    states().underWay.map(({ target, waiting }) => [{ provider: metrics.boundedLabel('provider', target) }, waiting]),
  );
}
