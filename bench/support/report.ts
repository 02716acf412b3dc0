import type { Sample } from './load.ts';

/** What is measured: the bare pass-through, the router alone, and all four services in one process. */
export type TargetName = 'raw' | 'router' | 'up';

/** Cells by the title of their column. */
export type Row = Readonly<Record<string, string>>;

/** The medians of a case, and the ratio of router to raw of each round with its range. */
export function toRow(name: string, samples: Record<TargetName, Sample[]>): Row {
  const cpu = (target: TargetName): number[] => samples[target].map((sample) => sample.cpuMicroseconds);
  const microseconds = (target: TargetName): string => median(cpu(target)).toFixed(0);
  const perSecond = (target: TargetName): string =>
    median(samples[target].map((sample) => sample.perSecond)).toFixed(0);
  const ratios = cpu('router').map((cost, index) => cost / (cpu('raw')[index] ?? NaN));
  return {
    case: name,
    'raw µs': microseconds('raw'),
    'router µs': microseconds('router'),
    ratio: `${median(ratios).toFixed(1)} (${Math.min(...ratios).toFixed(1)}–${Math.max(...ratios).toFixed(1)})`,
    'up µs': microseconds('up'),
    'raw requests/s': perSecond('raw'),
    'router requests/s': perSecond('router'),
    'up requests/s': perSecond('up'),
  };
}

/** Prints rows as a table of Markdown, numbers to the right. */
export function printTable(rows: readonly Row[]): void {
  const names = Object.keys(rows[0] ?? {});
  console.log(`| ${names.join(' | ')} |`);
  console.log(`| --- |${' ---: |'.repeat(names.length - 1)}`);
  for (const row of rows) console.log(`| ${Object.values(row).join(' | ')} |`);
}

/** The middle value; the mean of the two in the middle where their number is even. */
function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [low = NaN, high = NaN] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return (low + high) / 2;
}
