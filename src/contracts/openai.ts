import { z } from 'zod';

/**
 * OpenAI's chat completion request as far as Signalbox reads it. Everything else passes through untouched, so these
 * schemas are loose; what they check is what would otherwise fail here and not at the provider.
 */
const contentPartSchema = z.looseObject({ type: z.string().min(1).max(64) });

export const chatMessageSchema = z.looseObject({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool', 'function']),
  content: z.union([z.string(), z.array(contentPartSchema).max(10_000), z.null()]).optional(),
});
export type ChatMessage = z.infer<typeof chatMessageSchema>;

const toolSchema = z.looseObject({ type: z.string().min(1).max(64) });

const usdPerMillion = z.number().min(0).max(1_000_000);

/** OpenRouter's provider preferences, the fields that are honoured here. */
export const providerPreferencesSchema = z.looseObject({
  order: z.array(z.string().max(64)).max(100).optional(),
  only: z.array(z.string().max(64)).max(100).optional(),
  ignore: z.array(z.string().max(64)).max(100).optional(),
  sort: z.enum(['price', 'throughput', 'latency']).optional(),
  max_price: z.looseObject({ prompt: usdPerMillion.optional(), completion: usdPerMillion.optional() }).optional(),
});
export type ProviderPreferences = z.infer<typeof providerPreferencesSchema>;

export const chatCompletionRequestSchema = z.looseObject({
  model: z.string().min(1).max(200),
  messages: z.array(chatMessageSchema).min(1).max(100_000),
  stream: z.boolean().nullish(),
  max_tokens: z.int().min(1).nullish(),
  max_completion_tokens: z.int().min(1).nullish(),
  tools: z.array(toolSchema).max(10_000).nullish(),
  session_id: z.string().max(256).nullish(),
  models: z.array(z.string().min(1).max(200)).max(20).nullish(),
  provider: providerPreferencesSchema.nullish(),
  max_cost_usd: z.number().positive().max(1_000_000).nullish(),
});
export type ChatCompletionRequest = z.infer<typeof chatCompletionRequestSchema>;
