import type { Costs, PriceTier } from '../../contracts/model.ts';

/** Tokens of one call, as its provider counted them. Each is a whole number, 0 or more. */
export interface TokenUsage {
  /** All input; the parts below are within it. */
  inputTokens: number;
  /** Part of the input that was read from a cache. */
  cachedInputTokens: number;
  /** Part of the input that was written to a cache, for whatever lifetime. */
  cacheWriteTokens: number;
  /** Part of `cacheWriteTokens` that is kept for the long lifetime, an hour. */
  longCacheWriteTokens: number;
  /** Part of the input. */
  audioInputTokens: number;
  /** All output; the parts below are within it. */
  outputTokens: number;
  /** Part of the output. */
  reasoningTokens: number;
  /** Part of the output. */
  audioOutputTokens: number;
  /** Class of service as the provider reports it; null where it reports none. */
  serviceTier: string | null;
}

export const noUsage: TokenUsage = {
  inputTokens: 0,
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
  longCacheWriteTokens: 0,
  audioInputTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  audioOutputTokens: 0,
  serviceTier: null,
};

/** Names under which providers report that a call was served at the list price. */
const listPriceTiers: ReadonlySet<string> = new Set(['default', 'standard', 'auto', 'on_demand']);

/** What a cache write costs where it has no price of its own, in prices of the same input: Anthropic's rule. */
const shortWriteFactor = 1.25;
const longWriteFactor = 2;

/**
 * Cost of a call in USD, 0 or more; null where a price that it needs is unknown: an unknown price is never 0.
 *
 * Where a kind of token has no price of its own it is charged as what costs no less: cached input as full input, a cache
 * write as 1.25 times the input, a long one as twice, reasoning as output. Audio has no such rule, for it costs many
 * times as much as text. Above a tier's bound the whole call has the tier's prices; those that the tier lacks follow
 * from the same rules. A service tier multiplies the whole.
 */
export function costUsd(usage: TokenUsage, costs: Costs): number | null {
  const factor = serviceTierFactor(usage.serviceTier, costs);
  const prices = tierOf(usage.inputTokens, costs) ?? costs;
  const input = prices.input_tokens_per_1k;
  const output = prices.output_tokens_per_1k;
  // Every call has input, so that nothing can be said without its price.
  if (factor === null || input === null) return null;

  // Where parts overlap, such as cached audio, a token counts as the dearer: the parts take from the whole in this order.
  const takeInput = divide(usage.inputTokens);
  const audioInput = takeInput(usage.audioInputTokens);
  const longWrites = takeInput(Math.min(usage.longCacheWriteTokens, usage.cacheWriteTokens));
  const shortWrites = takeInput(usage.cacheWriteTokens - longWrites);
  const cached = takeInput(usage.cachedInputTokens);
  const takeOutput = divide(usage.outputTokens);
  const audioOutput = takeOutput(usage.audioOutputTokens);
  const reasoning = takeOutput(usage.reasoningTokens);

  const cost =
    charge(takeInput(Infinity), input) +
    charge(cached, prices.cached_input_tokens_per_1k ?? input) +
    charge(shortWrites, prices.cache_write_tokens_per_1k ?? input * shortWriteFactor) +
    charge(longWrites, prices.long_cache_write_tokens_per_1k ?? input * longWriteFactor) +
    charge(audioInput, costs.audio_input_tokens_per_1k) +
    charge(takeOutput(Infinity), output) +
    charge(reasoning, costs.reasoning_tokens_per_1k ?? output) +
    charge(audioOutput, costs.audio_output_tokens_per_1k);
  return Number.isNaN(cost) ? null : roundUsd((cost * factor) / 1000);
}

/** The tier with the greatest bound that the input is above. */
function tierOf(inputTokens: number, { tiers = [] }: Costs): PriceTier | undefined {
  return tiers
    .filter((tier) => inputTokens > tier.above_input_tokens)
    .reduce<PriceTier | undefined>(
      (highest, tier) => (tier.above_input_tokens > (highest?.above_input_tokens ?? 0) ? tier : highest),
      undefined,
    );
}

function serviceTierFactor(serviceTier: string | null, { service_tiers: factors = {} }: Costs): number | null {
  if (serviceTier === null) return 1;
  if (Object.hasOwn(factors, serviceTier)) return factors[serviceTier] ?? null;
  return listPriceTiers.has(serviceTier) ? 1 : null;
}

/** Takes parts from a whole, never more than is left of it. */
function divide(whole: number): (part: number) => number {
  let left = whole;
  return (part) => {
    const taken = Math.max(0, Math.min(part, left));
    left -= taken;
    return taken;
  };
}

/** In thousandths of USD; NaN where the price is unknown. What was not used costs nothing, even then. */
function charge(tokens: number, pricePer1k: number | null | undefined): number {
  return tokens === 0 ? 0 : tokens * (pricePer1k ?? NaN);
}

/** To 10⁻¹² USD: far below any price, and without the digits that binary fractions add. */
const roundUsd = (amount: number): number => Math.round(amount * 1e12) / 1e12;
