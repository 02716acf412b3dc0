import { noUsage, type TokenUsage } from '../predict/cost.ts';

/**
 * Reads what providers report of a call's usage. All are tolerant: a detail that is missing or makes no sense counts as
 * 0, a part is never greater than its whole, and where the totals themselves are missing the answer is null. The service
 * tier is an argument where it stands beside the usage, in the answer or the stream's chunk.
 */

/**
 * Usage of a chat completion.
 *
 * Providers disagree about reasoning: OpenAI counts it within `completion_tokens`, xAI and Gemini's OpenAI endpoint beside
 * it, and Gemini may name it nowhere but in `total_tokens`. Output that only the total knows of is counted as reasoning.
 */
export function usageFromChat(reported: unknown, serviceTier?: unknown): TokenUsage | null {
  const usage = objectOf(reported);
  const inputDetails = objectOf(usage['prompt_tokens_details']);
  const outputDetails = objectOf(usage['completion_tokens_details']);
  const totalTokens = countOf(usage['total_tokens']);
  return toUsage({
    inputTokens: countOf(usage['prompt_tokens']),
    cachedInputTokens: firstCount(
      inputDetails['cached_tokens'],
      // DeepSeek, and Moonshot.
      usage['prompt_cache_hit_tokens'],
      usage['cached_tokens'],
    ),
    cacheWriteTokens: firstCount(inputDetails['cache_write_tokens'], usage['cache_creation_input_tokens']),
    audioInputTokens: firstCount(inputDetails['audio_tokens']),
    // Gemini leaves a count of 0 out.
    outputTokens: countOf(usage['completion_tokens']) ?? (totalTokens === null ? null : 0),
    totalTokens,
    reasoningTokens: firstCount(outputDetails['reasoning_tokens'], usage['reasoning_tokens']),
    audioOutputTokens: firstCount(outputDetails['audio_tokens']),
    serviceTier: nameOf(serviceTier ?? usage['service_tier']),
  });
}

/** Usage of OpenAI's Responses API. */
export function usageFromResponses(reported: unknown, serviceTier?: unknown): TokenUsage | null {
  const usage = objectOf(reported);
  const inputDetails = objectOf(usage['input_tokens_details']);
  const outputDetails = objectOf(usage['output_tokens_details']);
  return toUsage({
    inputTokens: countOf(usage['input_tokens']),
    cachedInputTokens: firstCount(inputDetails['cached_tokens']),
    cacheWriteTokens: firstCount(inputDetails['cache_write_tokens']),
    audioInputTokens: firstCount(inputDetails['audio_tokens']),
    outputTokens: countOf(usage['output_tokens']),
    totalTokens: countOf(usage['total_tokens']),
    reasoningTokens: firstCount(outputDetails['reasoning_tokens']),
    audioOutputTokens: firstCount(outputDetails['audio_tokens']),
    serviceTier: nameOf(serviceTier ?? usage['service_tier']),
  });
}

/** Usage of Anthropic's Messages API. Its `input_tokens` are those that no cache was read or written for. */
export function usageFromMessages(reported: unknown): TokenUsage | null {
  const usage = objectOf(reported);
  const uncachedTokens = countOf(usage['input_tokens']);
  const lifetimes = objectOf(usage['cache_creation']);
  const longCacheWriteTokens = firstCount(lifetimes['ephemeral_1h_input_tokens']);
  const cacheWriteTokens = Math.max(
    firstCount(usage['cache_creation_input_tokens']),
    firstCount(lifetimes['ephemeral_5m_input_tokens']) + longCacheWriteTokens,
  );
  const cachedInputTokens = firstCount(usage['cache_read_input_tokens']);
  return toUsage({
    inputTokens: uncachedTokens === null ? null : uncachedTokens + cacheWriteTokens + cachedInputTokens,
    cachedInputTokens,
    cacheWriteTokens,
    longCacheWriteTokens,
    outputTokens: countOf(usage['output_tokens']),
    reasoningTokens: firstCount(objectOf(usage['output_tokens_details'])['thinking_tokens']),
    serviceTier: messagesServiceTier(usage),
  });
}

/**
 * The usage of a Messages stream: that of `message_start` (its `message.usage`) with that of a `message_delta`. What the
 * later one says holds, and counts only ever grow: some providers put zeros where they have nothing to add.
 */
export function mergeMessagesUsage(start: unknown, delta: unknown): TokenUsage | null {
  const merged = { ...objectOf(start) };
  for (const [name, value] of Object.entries(objectOf(delta))) {
    const before = countOf(merged[name]);
    const count = countOf(value);
    if (before !== null && count !== null) merged[name] = Math.max(before, count);
    else if (value !== null && value !== undefined) merged[name] = value;
  }
  return usageFromMessages(merged);
}

/** Usage of an embeddings call, which has no output. */
export function usageFromEmbeddings(reported: unknown): TokenUsage | null {
  const usage = objectOf(reported);
  return toUsage({ inputTokens: countOf(usage['prompt_tokens']) ?? countOf(usage['total_tokens']), outputTokens: 0 });
}

/** xAI's unit of money. */
const ticksPerUsd = 1e10;

/**
 * What the provider says that it charged for the call, in USD; null where it says nothing. OpenRouter does, and for a key
 * of the customer's own adds what the provider behind it charges; xAI does in ticks. Only theirs is to be
 * believed: what another provider calls `cost` may be anything.
 */
export function reportedCostUsd(reported: unknown): number | null {
  const usage = objectOf(reported);
  const ticks = usage['cost_in_usd_ticks'];
  if (typeof ticks === 'number') return amountOf(ticks / ticksPerUsd);
  const cost = amountOf(usage['cost']);
  if (cost === null || usage['is_byok'] !== true) return cost;
  const upstream = amountOf(objectOf(usage['cost_details'])['upstream_inference_cost']);
  return upstream === null ? null : cost + upstream;
}

/** Counts as a provider gives them: null where a total is not known, 0 where a detail is not. */
interface Counts extends Partial<Omit<TokenUsage, 'inputTokens' | 'outputTokens'>> {
  inputTokens: number | null;
  outputTokens: number | null;
  totalTokens?: number | null;
}

function toUsage({
  inputTokens,
  outputTokens: reportedOutput,
  totalTokens = null,
  ...parts
}: Counts): TokenUsage | null {
  if (inputTokens === null || reportedOutput === null) return null;
  const counts = { ...noUsage, ...parts };
  const reasoningBeside = reasoningBesideOutput(inputTokens, reportedOutput, totalTokens, counts.reasoningTokens);
  const outputTokens = reportedOutput + reasoningBeside;
  const cacheWriteTokens = Math.min(counts.cacheWriteTokens, inputTokens);
  return {
    inputTokens,
    cachedInputTokens: Math.min(counts.cachedInputTokens, inputTokens - cacheWriteTokens),
    cacheWriteTokens,
    longCacheWriteTokens: Math.min(counts.longCacheWriteTokens, cacheWriteTokens),
    audioInputTokens: Math.min(counts.audioInputTokens, inputTokens),
    outputTokens,
    reasoningTokens: Math.min(Math.max(counts.reasoningTokens, reasoningBeside), outputTokens),
    audioOutputTokens: Math.min(counts.audioOutputTokens, outputTokens),
    serviceTier: counts.serviceTier,
  };
}

/** Reasoning tokens that the reported output does not hold: the total shows it, else that they are more than it. */
function reasoningBesideOutput(input: number, output: number, total: number | null, reasoning: number): number {
  if (total === null) return reasoning > output ? reasoning : 0;
  const missing = Math.max(0, total - input - output);
  return reasoning > 0 ? Math.min(missing, reasoning) : missing;
}

/**
 * Anthropic charges for three things by the call as a whole: its service tier, the fast mode, and where it runs. Those
 * that are not the standard are named, joined by `+`, so that only a price for that very combination holds.
 */
function messagesServiceTier(usage: Record<string, unknown>): string | null {
  const tier = nameOf(usage['service_tier']);
  const names = [tier === 'standard' ? null : tier, usage['speed'] === 'fast' ? 'fast' : null];
  if (usage['inference_geo'] === 'us') names.push('us');
  return names.filter((name) => name !== null).join('+') || tier;
}

function objectOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

/** More tokens than any call has; what is above is no count. */
const maxTokens = 100_000_000;

function countOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= maxTokens ? value : null;
}

/** The first that is a count, else 0. */
function firstCount(...values: unknown[]): number {
  return values.map(countOf).find((count) => count !== null) ?? 0;
}

/** More than any call costs, in USD. */
const maxUsd = 1_000_000;

function amountOf(value: unknown): number | null {
  return typeof value === 'number' && value >= 0 && value <= maxUsd ? value : null;
}

function nameOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value.slice(0, 64) : null;
}
