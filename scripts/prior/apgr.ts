import type { PublicRow } from './public-data.ts';

/** Of the prompts, these parts go to the strong model, those of the highest worth first. */
const steps = 10;

/**
 * Average performance gap recovered, as RouteLLM defines it: the area under the mean outcome over the share of prompts that
 * go to the strong model, in units of the gap between the two models. 0.5 is what chance gets. `worth` stands beside `rows`.
 */
export function apgr(rows: readonly PublicRow[], worth: readonly number[], strong: string, weak: string): number {
  const outcome = (row: PublicRow, model: string): number => row.outcomes.get(model) ?? 0;
  const order = [...rows.keys()].sort((a, b) => (worth[b] as number) - (worth[a] as number) || a - b);
  const gains = order.map((at) => {
    const row = rows[at] as PublicRow;
    return outcome(row, strong) - outcome(row, weak);
  });
  const gap = gains.reduce((sum, gain) => sum + gain, 0);
  let recovered = 0;
  let area = 0;
  for (let step = 1; step <= steps; step += 1) {
    const from = Math.round((gains.length * (step - 1)) / steps);
    const to = Math.round((gains.length * step) / steps);
    const next = gains.slice(from, to).reduce((sum, gain) => sum + gain, recovered);
    area += (recovered + next) / 2 / steps;
    recovered = next;
  }
  return area / gap;
}
