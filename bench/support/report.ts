import type { Comparison, Measured } from './compare.ts';
import type { Latencies } from './load.ts';
import type { Memory } from './process.ts';
import type { Soak } from './soak.ts';
import { median, quantile } from './statistics.ts';
import type { Peer } from './target.ts';

/** Cells by the title of their column. */
export type Row = Readonly<Record<string, string>>;

/** One row for each gateway of a case. */
export function comparisonRows(comparison: Comparison): Row[] {
  const raw = comparison.gateways.get('raw');
  return [...comparison.gateways].map(([peer, measured]) => ({
    case: comparison.case.name,
    'body KiB': String(comparison.case.bodyKilobytes),
    gateway: peer,
    'CPU µs/request': median(measured.cpuMicroseconds).toFixed(0),
    '× raw (range)': peer === 'raw' || raw === undefined ? '' : ratio(measured, raw),
    'requests/s': median(measured.perSecond).toFixed(0),
    'at requests/s': comparison.ratePerSecond.toFixed(0),
    'added ms p50': added(measured, comparison, 'wholeMs', 0.5),
    'added ms p99': added(measured, comparison, 'wholeMs', 0.99),
    'added TTFT ms p50': comparison.case.stream ? added(measured, comparison, 'firstTokenMs', 0.5) : '',
    'added TTFT ms p99': comparison.case.stream ? added(measured, comparison, 'firstTokenMs', 0.99) : '',
    'loop delay ms p99 (at rest)': peer === 'signalbox' ? loopDelay(comparison) : '',
  }));
}

/** Of each round, so that what slowed a whole round slowed both. */
function ratio(measured: Measured, raw: Measured): string {
  const ratios = measured.cpuMicroseconds.map((cost, round) => cost / (raw.cpuMicroseconds[round] ?? NaN));
  const [low, middle, high] = [Math.min(...ratios), median(ratios), Math.max(...ratios)].map((each) => each.toFixed(2));
  return `${middle} (${low}–${high})`;
}

function added(measured: Measured, { direct }: Comparison, what: 'wholeMs' | 'firstTokenMs', share: number): string {
  return (quantile(measured.latencies[what], share) - quantile(direct[what], share)).toFixed(2);
}

function loopDelay({ loopDelay: delay }: Comparison): string {
  return delay === null ? '' : `${delay.loadedMs.toFixed(1)} (${delay.restMs.toFixed(1)})`;
}

/** All figures of a case as numbers; of latencies their quantiles in milliseconds. */
export function comparisonFigures({ case: subject, ratePerSecond, direct, gateways, loopDelay: delay }: Comparison) {
  return {
    case: subject.name,
    bodyKilobytes: subject.bodyKilobytes,
    ratePerSecond,
    direct: latencyFigures(direct),
    gateways: Object.fromEntries(
      [...gateways].map(([peer, { latencies, ...rounds }]) => [peer, { ...rounds, ...latencyFigures(latencies) }]),
    ),
    loopDelay: delay,
  };
}

function latencyFigures({ wholeMs, firstTokenMs }: Latencies) {
  const quantiles = (values: readonly number[]) => ({
    p50: quantile(values, 0.5),
    p99: quantile(values, 0.99),
    max: quantile(values, 1),
  });
  return { samples: wholeMs.length, wholeMs: quantiles(wholeMs), firstTokenMs: quantiles(firstTokenMs) };
}

export function memoryRow(peer: Peer, before: Memory, after: Memory): Row {
  return {
    gateway: peer,
    'RSS MiB before': mebibytes(before.rssBytes),
    'RSS MiB after': mebibytes(after.rssBytes),
    'heap MiB before': mebibytes(before.heapBytes),
    'heap MiB after': mebibytes(after.heapBytes),
  };
}

export function soakText(soak: Soak): string {
  return `soak of ${soak.requests} requests (${soak.case}):
RSS ${mebibytes(soak.before.rssBytes)} → ${mebibytes(soak.after.rssBytes)} MiB, \
heap after a collection ${mebibytes(soak.before.heapBytes)} → ${mebibytes(soak.after.heapBytes)} MiB
slope over the second half: ${soak.slopeKiBPerThousand.toFixed(2)} KiB of RSS per 1000 requests`;
}

function mebibytes(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(1);
}

/** Prints rows as a table of Markdown, numbers to the right. */
export function printTable(rows: readonly Row[]): void {
  const names = Object.keys(rows[0] ?? {});
  console.log(`| ${names.join(' | ')} |`);
  console.log(`| --- |${' ---: |'.repeat(names.length - 1)}`);
  for (const row of rows) console.log(`| ${Object.values(row).join(' | ')} |`);
}
