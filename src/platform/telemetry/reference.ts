import { definitionOf, metricDefinitions, type MetricName } from './definitions/all.ts';
import { labelBounds, type MetricDefinition } from './definitions/definition.ts';

const sections = [
  { service: undefined, title: 'Every process' },
  { service: 'router', title: 'Router' },
  { service: 'central', title: 'Central' },
  { service: 'registry', title: 'Registry' },
  { service: 'upgrade', title: 'Upgrade' },
] as const;

const names = Object.keys(metricDefinitions) as MetricName[];

/**
 * Every metric with its type, unit, labels and meaning, and every label with its bounds, as Markdown made from the
 * definitions.
 */
export function describeMetrics(): string {
  const tables = sections.map(({ service, title }) => {
    const rows = names.filter((name) => definitionOf(name).service === service).map(row);
    return [`## ${title}`, '', '| metric | type | unit | labels | meaning |', '|---|---|---|---|---|', ...rows].join(
      '\n',
    );
  });
  const labels = Object.entries(labelBounds).map(([name, bounds]) => `| \`${name}\` | ${bounds} |`);
  return [...tables, ['## Labels', '', '| label | values |', '|---|---|', ...labels].join('\n')].join('\n\n');
}

function row(name: MetricName): string {
  const { type, unit, labels, help, convention }: MetricDefinition = definitionOf(name);
  const alike = convention === undefined ? '' : ` ([OpenTelemetry](${convention}))`;
  return `| \`${name}\` | ${type} | ${unit} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help}${alike} |`;
}
