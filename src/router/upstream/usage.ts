import type { TokenUsage } from '../predict/cost.ts';

/** Usage as OpenAI reports it, or null where the value holds none. */
export function usageFrom(value: unknown): TokenUsage | null {
  if (typeof value !== 'object' || value === null) return null;
  const usage = value as Record<string, unknown>;
  const inputTokens = tokenCount(usage['prompt_tokens']);
  const outputTokens = tokenCount(usage['completion_tokens']);
  if (inputTokens === null || outputTokens === null) return null;
  const details = usage['prompt_tokens_details'];
  const cached =
    typeof details === 'object' && details !== null ? (details as Record<string, unknown>)['cached_tokens'] : 0;
  return { inputTokens, outputTokens, cachedInputTokens: Math.min(inputTokens, tokenCount(cached) ?? 0) };
}

function tokenCount(value: unknown): number | null {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value : null;
}
