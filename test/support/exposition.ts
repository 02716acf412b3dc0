/** What a service shows at `/metrics`: the names that queries can ask for, each with the labels of its series. */
export type Exposition = Map<string, Set<string>>;

/** Reads Prometheus's text format. A metric that has no series yet has no labels here. */
export function readExposition(text: string): Exposition {
  const exposition: Exposition = new Map();
  for (const [, name = '', type] of text.matchAll(/^# TYPE (\S+) (\w+)$/gm)) {
    const names = type === 'histogram' ? ['_bucket', '_sum', '_count'].map((suffix) => name + suffix) : [name];
    for (const each of names) exposition.set(each, new Set());
  }
  for (const [, name = '', labels = ''] of text.matchAll(/^([a-z]\w*)(?:\{(.*)\})? \S+$/gm)) {
    for (const [, label = ''] of labels.matchAll(/(\w+)="(?:[^"\\]|\\.)*"/g)) exposition.get(name)?.add(label);
  }
  return exposition;
}
