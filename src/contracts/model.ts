import { z } from 'zod';
import { complexitySchema } from './query-class.ts';

/**
 * The catalogue's words. The JSON shape of a model is fixed by the users' contract: the seed's fields
 * (`model_id`, `provider`, `capabilities`, `performance`, `costs`) and what was added since.
 */
export const capabilitySchema = z.enum([
  'text_generation',
  'multimodal',
  'tool_use',
  'long_context',
  'streaming',
  'function_calling',
  'fast_inference',
  'structured_output',
  'reasoning',
  'embeddings',
]);
export type Capability = z.infer<typeof capabilitySchema>;
export const capabilityNames = capabilitySchema.options;

export const capabilitiesSchema = z.strictObject({
  text_generation: z.boolean(),
  multimodal: z.boolean(),
  tool_use: z.boolean(),
  long_context: z.boolean(),
  streaming: z.boolean(),
  function_calling: z.boolean(),
  fast_inference: z.boolean(),
  structured_output: z.boolean(),
  reasoning: z.boolean(),
  embeddings: z.boolean(),
});
export type Capabilities = z.infer<typeof capabilitiesSchema>;

/**
 * `snapshot`: a dated copy of a model that is also listed undated; it is honoured when pinned, never chosen by `auto`.
 * `candidate`: came out after its provider was known; only its rollout sends it requests until that is over.
 */
export const modelStatusSchema = z.enum(['stable', 'preview', 'snapshot', 'deprecated', 'disabled', 'candidate']);
export type ModelStatus = z.infer<typeof modelStatusSchema>;

/** Measured where there were calls, else null. Times in milliseconds, rates and quality in [0, 1]. */
export const performanceSchema = z.strictObject({
  avg_ttft_ms: z.number().min(0).nullable(),
  avg_completion_ms: z.number().min(0).nullable(),
  success_rate: z.number().min(0).max(1).nullable(),
  quality_score: z.number().min(0).max(1).nullable(),
});
export type Performance = z.infer<typeof performanceSchema>;

const pricePer1kSchema = z.number().min(0).max(1000).nullable();

/**
 * The prices of a request whose input is longer than `above_input_tokens`: they hold for the whole of it, not only for
 * what is above. A price that a tier leaves out is not taken from below the tier: see `costUsd`.
 */
export const priceTierSchema = z.strictObject({
  above_input_tokens: z.int().min(1).max(1_000_000_000),
  input_tokens_per_1k: pricePer1kSchema,
  output_tokens_per_1k: pricePer1kSchema,
  cached_input_tokens_per_1k: pricePer1kSchema.optional(),
  cache_write_tokens_per_1k: pricePer1kSchema.optional(),
  long_cache_write_tokens_per_1k: pricePer1kSchema.optional(),
});
export type PriceTier = z.infer<typeof priceTierSchema>;

/** Prices that few models have. What is left out is unknown; `costUsd` says what is charged then. */
export const priceDetailsSchema = z.strictObject({
  /** Written to a cache that keeps it for an hour; `cache_write_tokens_per_1k` is for the shorter lifetime. */
  long_cache_write_tokens_per_1k: pricePer1kSchema.optional(),
  reasoning_tokens_per_1k: pricePer1kSchema.optional(),
  audio_input_tokens_per_1k: pricePer1kSchema.optional(),
  audio_output_tokens_per_1k: pricePer1kSchema.optional(),
  /** In any order: the one with the greatest bound that the input is above holds. */
  tiers: z.array(priceTierSchema).max(16).optional(),
  /** What the whole is multiplied by when the provider reports that service tier, such as `{ "flex": 0.5 }`. */
  service_tiers: z.record(z.string().min(1).max(64), z.number().min(0).max(100)).optional(),
});
export type PriceDetails = z.infer<typeof priceDetailsSchema>;

/** Prices in `currency` per 1,000 tokens. Null means unknown, which is never the same as free. */
export const costsSchema = z.strictObject({
  input_tokens_per_1k: pricePer1kSchema,
  output_tokens_per_1k: pricePer1kSchema,
  cached_input_tokens_per_1k: pricePer1kSchema,
  cache_write_tokens_per_1k: pricePer1kSchema,
  currency: z.literal('USD'),
  ...priceDetailsSchema.shape,
});
export type Costs = z.infer<typeof costsSchema>;

export const modalitySchema = z.enum(['text', 'image', 'audio', 'video', 'file', 'embedding']);
export type Modality = z.infer<typeof modalitySchema>;

/** Scores in [0, 5]: how well the model answers requests of that complexity. */
export const complexityScoresSchema = z.strictObject({
  simple: z.number().min(0).max(5),
  medium: z.number().min(0).max(5),
  complex: z.number().min(0).max(5),
});
export type ComplexityScores = z.infer<typeof complexityScoresSchema>;

export const modelIdSchema = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[\w.:@/+-]+$/, 'letters, digits and . _ : @ / + - only');
export const providerNameSchema = z
  .string()
  .min(1)
  .max(64)
  .regex(/^[a-z0-9][a-z0-9._-]*$/, 'lower-case letters, digits and . _ - only');

export const modelSchema = z.object({
  model_id: modelIdSchema,
  provider: providerNameSchema,
  display_name: z.string().max(200).nullable(),
  status: modelStatusSchema,
  capabilities: capabilitiesSchema,
  modalities: z.object({ input: z.array(modalitySchema), output: z.array(modalitySchema) }),
  context_window: z.int().min(1).nullable(),
  max_output_tokens: z.int().min(1).nullable(),
  performance: performanceSchema,
  costs: costsSchema,
  complexity_scores: complexityScoresSchema,
  refiner: z.boolean(),
  usage_count: z.int().min(0),
  updated_at: z.iso.datetime(),
});
export type Model = z.infer<typeof modelSchema>;

/** Body of `POST /models`. */
export const newModelSchema = z.strictObject({
  model_id: modelIdSchema,
  provider: providerNameSchema,
  display_name: z.string().max(200).nullish(),
  status: modelStatusSchema.optional(),
  capabilities: capabilitiesSchema.partial().optional(),
  modalities: z
    .strictObject({ input: z.array(modalitySchema).min(1), output: z.array(modalitySchema).min(1) })
    .optional(),
  context_window: z.int().min(1).max(100_000_000).nullish(),
  max_output_tokens: z.int().min(1).max(100_000_000).nullish(),
  performance: performanceSchema.partial().optional(),
  costs: costsSchema.partial().optional(),
  complexity_scores: complexityScoresSchema.partial().optional(),
});
export type NewModel = z.infer<typeof newModelSchema>;

/** Body of `PATCH /models/{id}`: everything that `POST` takes, but for the identity. */
export const modelPatchSchema = newModelSchema.omit({ model_id: true, provider: true });
export type ModelPatch = z.infer<typeof modelPatchSchema>;

/** Body of `POST /models/{id}/usage`: one call as somebody measured it. */
export const modelUsageSchema = z.strictObject({
  success: z.boolean(),
  complexity: complexitySchema.optional(),
  time_to_first_token_ms: z.number().min(0).max(3_600_000).optional(),
  completion_ms: z.number().min(0).max(3_600_000).optional(),
  quality_score: z.number().min(0).max(1).optional(),
  input_tokens: z.int().min(0).max(1_000_000_000).optional(),
  output_tokens: z.int().min(0).max(1_000_000_000).optional(),
});
export type ModelUsage = z.infer<typeof modelUsageSchema>;

export const providerHealthSchema = z.object({
  provider: providerNameSchema,
  status: z.enum(['healthy', 'unhealthy', 'unknown']),
  simulated: z.boolean(),
  model_count: z.int().min(0),
  last_checked_at: z.iso.datetime().nullable(),
  last_ok_at: z.iso.datetime().nullable(),
  consecutive_failures: z.int().min(0),
  latency_ms: z.number().min(0).nullable(),
  error: z.string().nullable(),
});
export type ProviderHealth = z.infer<typeof providerHealthSchema>;

/** The name under which one model of one provider is known everywhere: `provider/model_id`. */
export function modelKey(model: { provider: string; model_id: string }): string {
  return `${model.provider}/${model.model_id}`;
}
