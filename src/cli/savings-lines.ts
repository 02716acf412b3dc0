import type { Savings } from '../contracts/savings.ts';
import { type Colors, table } from './terminal.ts';

/** Savings as lines for people to read. */
export function savingsLines(savings: Savings, colors: Colors): string[] {
  const { requests, quality, baseline, notes } = savings;
  return [
    `${requests.answered} automatic requests answered since ${savings.since}`,
    '',
    ...table(moneyRows(savings, colors)),
    '',
    ...qualityLines(quality, baseline?.model ?? 'the best single model'),
    ...notes.map((note) => `${colors.yellow('!')} ${note}`),
  ];
}

function moneyRows({ spent, baseline, saved }: Savings, { bold, dim, green, red }: Colors): string[][] {
  const { explored: trials, exploration_usd: extra } = spent;
  const explored = `${trials} trials cost ${usd(Math.abs(extra))} ${extra < 0 ? 'less' : 'more'} than the best would have`;
  const parts: Array<[label: string, amount: number, more: string]> = [
    ['chosen models', spent.choices_usd, trials === 0 ? '' : explored],
    ['fallbacks', spent.fallbacks_usd, ''],
    ['hedges', spent.hedges_usd, ''],
    ['copies to models on trial', spent.copies_usd, ''],
    ['judges', spent.judges_usd, ''],
    ['lanes of races that lost', spent.race_losers_usd, ''],
  ];
  const unused = `${usd(spent.unused_usd)} of it for answers that nobody got`;
  const rows = [
    ...parts.filter(([, amount], index) => index === 0 || amount !== 0),
    ['spent', spent.total_usd, spent.unused_usd === 0 ? '' : unused] as const,
  ].map(([label, amount, more]) => [label, usd(amount), dim(more)]);
  if (baseline !== null) {
    const cost = baseline.cost_usd === null ? 'unknown' : usd(baseline.cost_usd);
    const why = baseline.chosen_by === 'estimate' ? 'the best single model' : 'as asked';
    rows.push([`${baseline.model} for all`, cost, dim(why)]);
  }
  if (saved !== null) {
    const colour = saved.usd < 0 ? red : green;
    rows.push([bold('saved'), colour(bold(usd(saved.usd))), saved.share === null ? '' : colour(percent(saved.share))]);
  }
  return rows;
}

function qualityLines(quality: Savings['quality'], baseline: string): string[] {
  const { success, baseline_success: single, quality_ratio: ratio, believed_ratio: believed, floor, holds } = quality;
  const lines: string[] = [];
  if (success !== null) lines.push(`success of the first choice ${range(success)}`);
  if (single !== null) lines.push(`success of ${baseline} alone ${range(single)}`);
  if (ratio !== null) lines.push(`quality beside ${baseline} ${range(ratio)}`);
  if (ratio === null && believed !== null) {
    lines.push(`quality beside ${baseline} ${percent(believed)}, by what was believed of both`);
  }
  if (floor !== null) {
    const verdict = holds === null ? 'the data cannot tell whether it is kept' : holds ? 'kept' : 'not kept';
    lines.push(`floor ${percent(floor)}: ${verdict}`);
  }
  return lines;
}

const range = ({ value, interval: [low, high] }: NonNullable<Savings['quality']['success']>): string =>
  `${percent(value)} (95%: ${percent(low)} to ${percent(high)})`;

const percent = (share: number): string => `${(100 * share).toFixed(1)}%`;

function usd(amount: number): string {
  const size = Math.abs(amount);
  const text = size === 0 || size >= 1 ? size.toFixed(2) : String(Number(size.toPrecision(3)));
  return `${amount < 0 ? '−' : ''}$${text}`;
}
