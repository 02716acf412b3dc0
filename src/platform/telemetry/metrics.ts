import { type Aggregator, Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

export type { Counter, Gauge, Histogram };

/** Seconds; from a cache's answer to a long generation. */
const latencyBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];

/** Most distinct values that one label of one metric may take; all further ones become `other`. */
const labelValueLimit = 200;

/**
 * The metrics of one process. Every metric is named `signalbox_*`, has its unit in the name, and no label that holds a
 * user, a key or a session.
 */
export interface Metrics {
  readonly registry: Registry;
  /** All of it in Prometheus's format. */
  text(): Promise<string>;
  counter<L extends string>(name: string, help: string, labels?: readonly L[]): Counter<L>;
  /** `aggregator`: what the workers of one router make of it together. */
  gauge<L extends string>(name: string, help: string, labels?: readonly L[], aggregator?: Aggregator): Gauge<L>;
  /** A gauge whose values are read when the metrics are; label values that are gone are gone from it. */
  sampledGauge<L extends string>(
    name: string,
    help: string,
    labels: readonly L[],
    read: () => ReadonlyArray<readonly [Record<L, string>, number]>,
    aggregator?: Aggregator,
  ): void;
  /** A histogram of seconds. */
  histogram<L extends string>(name: string, help: string, labels?: readonly L[], buckets?: number[]): Histogram<L>;
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

  return {
    registry,
    text: options.collectText ?? (() => registry.metrics()),
    counter: (name, help, labels = []) =>
      (registry.getSingleMetric(name) as Counter<(typeof labels)[number]> | undefined) ??
      new Counter({ name, help, labelNames: [...labels], registers: [registry] }),
    gauge: (name, help, labels = [], aggregator = 'sum') =>
      (registry.getSingleMetric(name) as Gauge<(typeof labels)[number]> | undefined) ??
      new Gauge({ name, help, labelNames: [...labels], registers: [registry], aggregator }),
    sampledGauge(name, help, labels, read, aggregator = 'sum') {
      if (registry.getSingleMetric(name) !== undefined) return;
      registry.registerMetric(
        new Gauge({
          name,
          help,
          labelNames: [...labels],
          registers: [],
          aggregator,
          collect() {
            this.reset();
            for (const [values, value] of read()) this.set(values, value);
          },
        }),
      );
    },
    histogram: (name, help, labels = [], buckets = latencyBuckets) =>
      (registry.getSingleMetric(name) as Histogram<(typeof labels)[number]> | undefined) ??
      new Histogram({ name, help, labelNames: [...labels], buckets, registers: [registry] }),
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
