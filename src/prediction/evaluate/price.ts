import type { EvaluationRow } from './rows.ts';

/** What a model is taken to cost before it answers; null where it never did, so that its price is unknown. */
export interface Price {
  usdPerRequest: number;
  usdPerInputToken: number;
}

/**
 * The price of each model, from what its answers did cost: a line over input tokens by least squares that neither begins
 * below 0 nor falls. With equal lengths, or costs that do not grow with them, the mean cost. Pure.
 */
export function pricesOf(rows: readonly EvaluationRow[], modelCount: number): Array<Price | null> {
  return Array.from({ length: modelCount }, (_, model) => {
    const points = rows.flatMap(({ inputTokens, outcomes }) => {
      const outcome = outcomes[model];
      return outcome == null ? [] : [{ tokens: inputTokens, usd: outcome.costUsd }];
    });
    if (points.length === 0) return null;
    const meanTokens = mean(points.map(({ tokens }) => tokens));
    const meanUsd = mean(points.map(({ usd }) => usd));
    const spread = mean(points.map(({ tokens }) => (tokens - meanTokens) ** 2));
    const shared = mean(points.map(({ tokens, usd }) => (tokens - meanTokens) * (usd - meanUsd)));
    const slope = spread === 0 ? 0 : Math.max(0, shared / spread);
    const start = meanUsd - slope * meanTokens;
    return start >= 0
      ? { usdPerRequest: start, usdPerInputToken: slope }
      : { usdPerRequest: 0, usdPerInputToken: meanTokens === 0 ? 0 : meanUsd / meanTokens };
  });
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
