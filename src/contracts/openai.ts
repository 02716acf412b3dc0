import { z } from 'zod';
import { costQualityTradeoffSchema } from './decision.ts';
import { raceOptionsSchema } from './race-options.ts';

/**
 * OpenAI's requests as far as Signalbox reads them. Everything else passes through untouched, so these schemas are
 * loose; what they check is what would otherwise fail here and not at the provider.
 */
const contentPartSchema = z.looseObject({ type: z.string().min(1).max(64) });

export const chatMessageSchema = z.looseObject({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool', 'function']),
  content: z.union([z.string(), z.array(contentPartSchema).max(10_000), z.null()]).optional(),
});
export type ChatMessage = z.infer<typeof chatMessageSchema>;

const toolSchema = z.looseObject({ type: z.string().min(1).max(64) });

const usdPerMillion = z.number().min(0).max(1_000_000);
const names = z.array(z.string().min(1).max(200)).max(100);

/** OpenRouter's provider preferences, the fields that are honoured here. */
export const providerPreferencesSchema = z.looseObject({
  order: names.optional(),
  only: names.optional(),
  ignore: names.optional(),
  allow_fallbacks: z.boolean().optional(),
  sort: z.enum(['price', 'throughput', 'latency']).optional(),
  max_price: z.looseObject({ prompt: usdPerMillion.optional(), completion: usdPerMillion.optional() }).optional(),
});
export type ProviderPreferences = z.infer<typeof providerPreferencesSchema>;

/** What steers the choice, the same on every surface; never sent to a provider that does not know it. */
export const routingFields = {
  session_id: z.string().min(1).max(256).nullish(),
  models: z.array(z.string().min(1).max(200)).max(20).nullish(),
  provider: providerPreferencesSchema.nullish(),
  max_cost_usd: z.number().positive().max(1_000_000).nullish(),
  cost_quality_tradeoff: costQualityTradeoffSchema.nullish(),
};

export const chatCompletionRequestSchema = z.looseObject({
  model: z.string().min(1).max(200),
  messages: z.array(chatMessageSchema).min(1).max(100_000),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  max_tokens: z.int().min(1).nullish(),
  max_completion_tokens: z.int().min(1).nullish(),
  n: z.int().min(1).max(128).nullish(),
  tools: z.array(toolSchema).max(10_000).nullish(),
  race: raceOptionsSchema.optional(),
  ...routingFields,
});
export type ChatCompletionRequest = z.infer<typeof chatCompletionRequestSchema>;

/** An item of a Responses request; a message may leave its type out. */
const responseItemSchema = z.looseObject({
  type: z.string().min(1).max(64).optional(),
  role: z.enum(['system', 'developer', 'user', 'assistant']).optional(),
  content: z.union([z.string(), z.array(contentPartSchema).max(10_000), z.null()]).optional(),
});
export type ResponseItem = z.infer<typeof responseItemSchema>;

export const responsesRequestSchema = z.looseObject({
  model: z.string().min(1).max(200),
  input: z.union([z.string(), z.array(responseItemSchema).max(100_000)]).nullish(),
  instructions: z.string().nullish(),
  stream: z.boolean().nullish(),
  max_output_tokens: z.int().min(1).nullish(),
  tools: z.array(toolSchema).max(10_000).nullish(),
  previous_response_id: z.string().min(1).max(256).nullish(),
  ...routingFields,
});
export type ResponsesRequest = z.infer<typeof responsesRequestSchema>;

const tokenIds = z.array(z.int().min(0)).min(1).max(1_000_000);

export const embeddingsRequestSchema = z.looseObject({
  model: z.string().min(1).max(200),
  input: z.union([
    z.string().min(1),
    z.array(z.string()).min(1).max(100_000),
    tokenIds,
    z.array(tokenIds).min(1).max(100_000),
  ]),
  ...routingFields,
});
export type EmbeddingsRequest = z.infer<typeof embeddingsRequestSchema>;
