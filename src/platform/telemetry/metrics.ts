import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { version } from '../core/version.ts';
import { definitionOf, type LabelOf, type MetricName } from './definitions/all.ts';
import { latencyBuckets } from './definitions/definition.ts';

export type { Counter, Gauge, Histogram };

/** Most distinct values that one label of one metric may take; all further ones become `other`. */
const labelValueLimit = 200;

/** The metrics of one process. What each is, `definitions/` says; no other can be made. */
export interface Metrics {
  readonly registry: Registry;
  /** All of it in Prometheus's format. */
  text(): Promise<string>;
  counter<N extends MetricName<'counter'>>(name: N): Counter<LabelOf<N>>;
  gauge<N extends MetricName<'gauge'>>(name: N): Gauge<LabelOf<N>>;
  /** A gauge whose values are read when the metrics are; label values that are gone are gone from it. */
  sampledGauge<N extends MetricName<'gauge'>>(
    name: N,
    read: () => ReadonlyArray<readonly [Record<LabelOf<N>, string>, number]>,
  ): void;
  histogram<N extends MetricName<'histogram'>>(name: N): Histogram<LabelOf<N>>;
  /** The value itself while the label has few values, `other` beyond: bounds the memory of model and provider labels. */
  boundedLabel(label: string, value: string): string;
}

export interface MetricsOptions {
  /** Those of Node's own: memory, processor time, delays of the event loop. */
  collectProcess?: boolean;
  /** Where the text comes from that this process shows, if not from these metrics alone. */
  collectText?: () => Promise<string>;
}

export function createMetrics(options: MetricsOptions = {}): Metrics {
  const registry = new Registry();
  const seen = new Map<string, Set<string>>();
  if (options.collectProcess ?? false) collectDefaultMetrics({ register: registry });

  /** What prom-client wants to know of a metric. */
  function settingsOf<N extends MetricName>(name: N) {
    const { help, labels, aggregator = 'sum' } = definitionOf(name);
    return { name, help, labelNames: labels as ReadonlyArray<LabelOf<N>>, aggregator };
  }

  const metrics: Metrics = {
    registry,
    text: options.collectText ?? (() => registry.metrics()),
    counter: <N extends MetricName<'counter'>>(name: N) =>
      (registry.getSingleMetric(name) as Counter<LabelOf<N>> | undefined) ??
      new Counter({ ...settingsOf(name), registers: [registry] }),
    gauge: <N extends MetricName<'gauge'>>(name: N) =>
      (registry.getSingleMetric(name) as Gauge<LabelOf<N>> | undefined) ??
      new Gauge({ ...settingsOf(name), registers: [registry] }),
    sampledGauge(name, read) {
      if (registry.getSingleMetric(name) !== undefined) return;
      registry.registerMetric(
        new Gauge({
          ...settingsOf(name),
          registers: [],
          collect() {
            this.reset();
            for (const [values, value] of read()) this.set(values, value);
          },
        }),
      );
    },
    histogram: <N extends MetricName<'histogram'>>(name: N) =>
      (registry.getSingleMetric(name) as Histogram<LabelOf<N>> | undefined) ??
      new Histogram({
        ...settingsOf(name),
        buckets: [...(definitionOf(name).buckets ?? latencyBuckets)],
        registers: [registry],
      }),
    boundedLabel(label, value) {
      let values = seen.get(label);
      if (values === undefined) {
        values = new Set();
        seen.set(label, values);
      }
      if (values.has(value)) return value;
      if (values.size >= labelValueLimit) return 'other';
      values.add(value);
      return value;
    },
  };
  metrics.gauge('signalbox_build_info').set({ version }, 1);
  return metrics;
}

/**
 * The series of a metric by the values of its labels, in their order. Each is looked up in the metric once, which costs
 * more than to count in it. The values must be bounded, as those of every label.
 */
export function createSeries<Series>(metric: { labels(...values: string[]): Series }) {
  const known = new Map<string, Series>();
  return (...values: string[]): Series => {
    const key = values.join('\n');
    let series = known.get(key);
    if (series === undefined) {
      series = metric.labels(...values);
      known.set(key, series);
    }
    return series;
  };
}
