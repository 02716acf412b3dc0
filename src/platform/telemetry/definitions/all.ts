import { centralMetrics } from './central.ts';
import type { LabelName, MetricDefinition } from './definition.ts';
import { processMetrics } from './process.ts';
import { registryMetrics } from './registry.ts';
import { limitMetrics, publisherMetrics, routerMetrics } from './router.ts';
import { upgradeMetrics } from './upgrade.ts';

/** Every metric that Signalbox shows, by its name. None can be made that is not here. */
export const metricDefinitions = {
  ...processMetrics,
  ...routerMetrics,
  ...limitMetrics,
  ...publisherMetrics,
  ...centralMetrics,
  ...registryMetrics,
  ...upgradeMetrics,
} as const;

type Definitions = typeof metricDefinitions;
type Type = MetricDefinition['type'];

/** Names of the metrics of this type. */
export type MetricName<T extends Type = Type> = {
  [N in keyof Definitions]: Definitions[N]['type'] extends T ? N : never;
}[keyof Definitions];

/** Labels of a metric. */
export type LabelOf<N extends MetricName> = Definitions[N]['labels'][number] & LabelName;

/** A metric's definition, whatever it is. */
export function definitionOf(name: MetricName): MetricDefinition {
  return metricDefinitions[name];
}
