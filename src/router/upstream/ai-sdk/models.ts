import { createAmazonBedrock } from '@ai-sdk/amazon-bedrock';
import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import type { LanguageModelV3, SharedV3ProviderOptions } from '@ai-sdk/provider';
import { authHeaders, type Provider } from '../../../platform/providers/definitions.ts';
import type { TranslatedRequest } from '../../surfaces/surface.ts';
import { maxAnswerBytes } from '../upstream.ts';
import { createGuardedFetch } from './guarded-fetch.ts';

/** Our name for every OpenAI-compatible provider; options go to the adapter under it. */
const compatible = 'upstream';

const guardedFetch = createGuardedFetch(maxAnswerBytes);

/** Kinds whose newer models take `max_completion_tokens` alone. */
const takesMaxCompletionTokens: ReadonlySet<Provider['kind']> = new Set(['openai', 'azure']);

/** The AI SDK's adapter for a model of a provider. */
export function languageModel(provider: Provider, apiKey: string | null, modelId: string): LanguageModelV3 {
  const { baseUrl: baseURL, kind } = provider;
  const common = { baseURL, fetch: guardedFetch };
  switch (provider.dialect) {
    case 'anthropic':
      return createAnthropic({ ...common, apiKey: apiKey ?? '' }).languageModel(modelId);
    case 'bedrock':
      return createAmazonBedrock({ ...common, region: regionOf(baseURL), apiKey: apiKey ?? '' }).languageModel(modelId);
    case 'openai':
      return createOpenAICompatible({
        ...common,
        name: compatible,
        headers: authHeaders(provider, apiKey),
        includeUsage: true,
        supportsStructuredOutputs: true,
        transformRequestBody: takesMaxCompletionTokens.has(kind) ? renameMaxTokens : (body) => body,
      }).languageModel(modelId);
  }
}

function renameMaxTokens({ max_tokens: maxTokens, ...body }: Record<string, unknown>): Record<string, unknown> {
  return maxTokens === undefined ? body : { ...body, max_completion_tokens: maxTokens };
}

function regionOf(baseUrl: string): string {
  return /\/\/bedrock-runtime\.([a-z0-9-]+)\./.exec(baseUrl)?.[1] ?? 'us-east-1';
}

/** What the AI SDK has no common word for, in the words of the provider's adapter. */
export function providerOptions(
  provider: Provider,
  modelId: string,
  { reasoning, parallelToolCalls, user, strictSchema }: TranslatedRequest,
): SharedV3ProviderOptions {
  switch (provider.dialect) {
    case 'anthropic':
      return {
        anthropic: {
          ...(parallelToolCalls === false ? { disableParallelToolUse: true } : {}),
          ...(reasoning === null ? {} : anthropicThinking(modelId, reasoning)),
        },
      };
    case 'bedrock':
      return reasoning === null
        ? {}
        : { bedrock: { reasoningConfig: { type: 'enabled', budgetTokens: budgetOf(reasoning) } } };
    case 'openai':
      return {
        [compatible]: {
          strictJsonSchema: strictSchema,
          ...(parallelToolCalls === null ? {} : { parallel_tool_calls: parallelToolCalls }),
          ...(user === null ? {} : { user }),
          ...(reasoning === null ? {} : { reasoningEffort: effortOf(reasoning) }),
        },
      };
  }
}

type Reasoning = NonNullable<TranslatedRequest['reasoning']>;

/** Models that decide themselves how long to think, and take no number of tokens. */
const adaptiveModel = /claude-(?:\w+-)?(?:4-[6-9]|[5-9])/;
const anthropicEfforts: ReadonlySet<string> = new Set(['low', 'medium', 'high', 'max']);

function anthropicThinking(
  modelId: string,
  reasoning: Reasoning,
): Record<string, string | Record<string, string | number>> {
  if (reasoning.effort === 'none') return { thinking: { type: 'disabled' } };
  if (!adaptiveModel.test(modelId)) return { thinking: { type: 'enabled', budgetTokens: budgetOf(reasoning) } };
  const effort = effortOf(reasoning);
  const known = anthropicEfforts.has(effort) ? effort : effort === 'xhigh' ? 'max' : 'low';
  return { thinking: { type: 'adaptive' }, effort: known };
}

/** Where one side counts tokens and the other has words for them. */
const budgetOfEffort: ReadonlyMap<string, number> = new Map([
  ['minimal', 1024],
  ['low', 2048],
  ['medium', 8192],
  ['high', 24_576],
  ['xhigh', 32_768],
  ['max', 32_768],
]);

function budgetOf({ effort, budgetTokens }: Reasoning): number {
  return budgetTokens ?? budgetOfEffort.get(effort ?? 'medium') ?? 8192;
}

function effortOf({ effort, budgetTokens }: Reasoning): string {
  if (effort !== null) return effort;
  const budget = budgetTokens ?? 8192;
  return budget < 4096 ? 'low' : budget < 16_384 ? 'medium' : 'high';
}
