import type { Aggregator } from 'prom-client';
import type { ServiceName } from '../../../contracts/api.ts';

/** Labels that a metric may have, and what bounds the values of each: no user, key, session or text is ever one. */
export const labelBounds = {
  change: '`worse`, `better`',
  complexity: '`simple`, `medium`, `complex`',
  event: 'steps that a rollout can take; a fixed list',
  instance_id: 'instances, 200 values at the most; further ones are `other`',
  kind: '`requests`, `tokens`',
  level: '`ok`, `nearly_used`, `used_up`',
  loop: 'background loops; a fixed list',
  method: 'HTTP methods',
  model: 'models, 200 values at the most; further ones are `other`',
  origin: '`auto`, `pinned`, `race`, `canary`, `shadow`',
  outcome: 'how it ended; a fixed list',
  part: '`cost`, `saved`',
  provider: 'providers, 200 values at the most; further ones are `other`',
  query_type: 'types of requests; a fixed list',
  queue: 'the queue of events, and that of dead letters',
  reason: 'a fixed list',
  result: 'a fixed list',
  route: 'routes of the service, and `unknown`',
  scope: '`key`, `team`',
  service: '`registry`, `router`, `upgrade`, `central`',
  state: 'a fixed list',
  status: 'HTTP statuses; of a model or of a lane of a race, a fixed list',
  strategy: '`first`, `best`, `consensus`',
  success: '`true`, `false`',
  surface: 'surfaces and endpoints of the router; a fixed list',
  target: 'providers, their keys by number, and models, 200 values at the most; further ones are `other`',
  test: '`errors`, `quality`, `slowness`',
  type: '`input`, `cached_input`, `output`, `reasoning`',
  version: 'the version that runs',
} as const;

export type LabelName = keyof typeof labelBounds;

/** Base units of Prometheus, which end a metric's name, and what is counted where there is none. */
export type Unit = 'seconds' | 'bytes' | 'usd' | 'ratio' | 'tokens' | 'count' | 'flag' | 'info';

/** What there is to know of a metric; its name is its key in the table. */
export interface MetricDefinition {
  type: 'counter' | 'gauge' | 'histogram';
  unit: Unit;
  help: string;
  labels: readonly LabelName[];
  /** Which services show it; where it is left out, every one. */
  service?: ServiceName;
  /** Of a gauge: what the workers of one router make of it together; without, their sum. */
  aggregator?: Aggregator;
  /** Of a histogram: upper bounds; without, those of `latencyBuckets`. */
  buckets?: readonly number[];
  /** The OpenTelemetry convention that says the same of the same thing. */
  convention?: string;
}

export type MetricDefinitions = Readonly<Record<`signalbox_${string}`, MetricDefinition>>;

/** Seconds; from a cache's answer to a long generation. */
export const latencyBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120] as const;

const genAiMetrics = 'https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics/';

/** Where a metric of the GenAI conventions is described. */
export function genAi(name: string): string {
  return `${genAiMetrics}#metric-${name.replaceAll('.', '')}`;
}
