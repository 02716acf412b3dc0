import type { Clock } from '../../platform/core/clock.ts';
import type { Metrics } from '../../platform/telemetry/metrics.ts';
import type { Resilience } from './resilience.ts';

/** What is kept from being called, and what is under way, at the moment in which the metrics are read. */
export function registerResilienceMetrics(metrics: Metrics, resilience: Resilience, clock: Clock): void {
  const states = () => resilience.states(clock.monotonicMs());
  metrics.sampledGauge(
    'signalbox_upstream_ejected',
    '1 while a provider, one of its keys or a model under it is not called because of its failures.',
    ['target'],
    () => states().ejected.map(({ target }) => [{ target: metrics.boundedLabel('target', target) }, 1]),
    'max',
  );
  metrics.sampledGauge(
    'signalbox_upstream_throttled_ratio',
    'Share of the calls of a model that is held back because it refuses too many.',
    ['target'],
    () =>
      states().throttled.map(({ target, rejectProbability }) => [
        { target: metrics.boundedLabel('target', target) },
        rejectProbability,
      ]),
    'max',
  );
  metrics.sampledGauge('signalbox_upstream_calls', 'Calls of a provider under way.', ['provider'], () =>
    states().underWay.map(({ target, underWay }) => [{ provider: metrics.boundedLabel('provider', target) }, underWay]),
  );
  metrics.sampledGauge('signalbox_upstream_calls_waiting', 'Calls that wait for a place.', ['provider'], () =>
    states().underWay.map(({ target, waiting }) => [{ provider: metrics.boundedLabel('provider', target) }, waiting]),
  );
}
