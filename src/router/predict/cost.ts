import type { Costs } from '../../contracts/model.ts';

/** Tokens of one call. `cachedInputTokens` are part of `inputTokens`. */
export interface TokenUsage {
  inputTokens: number;
  outputTokens: number;
  cachedInputTokens: number;
}

/**
 * Cost of a call in USD, or null where a price that it needs is unknown: an unknown price is never 0.
 * Cached input is charged at the cached price where there is one, else at the full one.
 */
export function costUsd(usage: TokenUsage, costs: Costs): number | null {
  const { input_tokens_per_1k: input, output_tokens_per_1k: output } = costs;
  if (input === null || output === null) return null;
  const cached = costs.cached_input_tokens_per_1k ?? input;
  const fullInputTokens = Math.max(0, usage.inputTokens - usage.cachedInputTokens);
  return roundUsd((fullInputTokens * input + usage.cachedInputTokens * cached + usage.outputTokens * output) / 1000);
}

/** To 10⁻¹² USD: far below any price, and without the digits that binary fractions add. */
const roundUsd = (amount: number): number => Math.round(amount * 1e12) / 1e12;
