import { parser } from '@prometheus-io/lezer-promql';

/** A metric in an expression, with the labels that are asked of it: by matchers, or to group by. */
export interface UsedMetric {
  name: string;
  labels: Set<string>;
}

/** What an expression of PromQL asks for. @throws where it cannot be parsed. */
export function readExpression(expression: string): UsedMetric[] {
  const used: Array<UsedMetric & { from: number }> = [];
  const groups: Array<{ labels: string[]; from: number; to: number }> = [];
  const textOf = ({ from, to }: { from: number; to: number }): string => expression.slice(from, to);
  parser.parse(expression).iterate({
    enter({ node, type }) {
      if (type.isError) throw new Error(`not PromQL at ${node.from}: ${expression}`);
      if (type.name === 'VectorSelector') {
        const name = node.getChild('Identifier');
        const matchers = node.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher') ?? [];
        const labels = matchers.flatMap((matcher) => matcher.getChildren('LabelName')).map(textOf);
        used.push({ name: name === null ? '' : textOf(name), labels: new Set(labels), from: node.from });
      }
      const grouped = node.parent?.parent;
      if (type.name === 'GroupingLabels' && grouped != null) {
        groups.push({ labels: node.getChildren('LabelName').map(textOf), from: grouped.from, to: grouped.to });
      }
    },
  });
  for (const { labels, from, to } of groups) {
    const inside = used.filter((metric) => metric.from >= from && metric.from < to);
    for (const label of labels) inside.forEach((metric) => metric.labels.add(label));
  }
  return used;
}
