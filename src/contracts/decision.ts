import { z } from 'zod';
import { capabilitySchema } from './model.ts';
import { complexitySchema, queryTypeSchema } from './query-class.ts';

/** What may be asked of the choice: nothing (balanced), or one term above the others. */
export const preferSchema = z.enum(['speed', 'cost', 'quality']);
export type Prefer = z.infer<typeof preferSchema>;

/** Why a model was not a candidate, in the order in which the filters are applied. */
export const exclusionReasonSchema = z.enum([
  'status',
  'capability',
  'modality',
  'context_length',
  'surface',
  'not_a_refiner',
  'not_allowed',
  'provider_not_allowed',
  'price_unknown',
  'price_bound',
  'budget',
  'provider_unhealthy',
]);
export type ExclusionReason = z.infer<typeof exclusionReasonSchema>;

export const exclusionSchema = z.object({
  model: z.string(),
  provider: z.string(),
  reason: exclusionReasonSchema,
  detail: z.string(),
});
export type Exclusion = z.infer<typeof exclusionSchema>;

/** The parts of a candidate's total, each already weighted; `total` is their sum. */
export const scoreTermsSchema = z.object({
  quality: z.number(),
  preference: z.number(),
  cost: z.number(),
  latency: z.number(),
  /** For the model that the conversation is with. */
  affinity: z.number(),
  total: z.number(),
});
export type ScoreTerms = z.infer<typeof scoreTermsSchema>;

export const candidateSchema = z.object({
  model: z.string(),
  provider: z.string(),
  /** As the catalogue or the newest score update says. */
  complexity_score: z.number(),
  /** What is believed at the moment, for this provider, instance and query type; the quality term rests on it. */
  believed_score: z.number().optional(),
  /** By how much its chance to answer this prompt well is believed to differ from its mean; absent where nothing is known. */
  prompt_shift: z.number().optional(),
  score_source: z.enum(['catalogue', 'learned']),
  estimated_cost_usd: z.number().nullable(),
  expected_ttft_ms: z.number().nullable(),
  terms: scoreTermsSchema,
  /** With which probability it was to be chosen; absent where the best one was, in any case. */
  probability: z.number().min(0).max(1).optional(),
});
export type Candidate = z.infer<typeof candidateSchema>;

/** How much quality counts against cost: 0 for quality alone, 1 for cost alone. */
export const costQualityTradeoffSchema = z.number().min(0).max(1);

/** The trade-off of a choice, and who has set it. */
export const tradeOffSchema = z.object({
  value: costQualityTradeoffSchema,
  source: z.enum(['request', 'key', 'configuration', 'quality_floor']),
});
export type TradeOff = z.infer<typeof tradeOffSchema>;

export const explanationSchema = z.object({
  summary: z.string(),
  /** Absent where the weights were used as they are. */
  trade_off: tradeOffSchema
    .extend({
      quality_ratio: z
        .number()
        .describe('Success rate believed of the chosen model, divided by the best eligible one’s.'),
    })
    .optional(),
  candidates: z.array(candidateSchema),
  excluded: z.array(exclusionSchema),
  /** Count per reason over all exclusions, also those beyond the listed ones. */
  excluded_counts: z.partialRecord(exclusionReasonSchema, z.int()),
});
export type Explanation = z.infer<typeof explanationSchema>;

/** Body of `POST /route`. */
export const routeRequestSchema = z.object({
  query: z.string().min(1).max(1_000_000),
  model: z.string().min(1).max(200).optional(),
  prefer: preferSchema.optional(),
  complexity: complexitySchema.optional(),
  capabilities: z.array(capabilitySchema).max(16).optional(),
  has_images: z.boolean().optional(),
  max_output_tokens: z.int().min(1).max(10_000_000).optional(),
  max_cost_usd: z.number().positive().max(1_000_000).optional(),
  cost_quality_tradeoff: costQualityTradeoffSchema.optional(),
  session_id: z.string().min(1).max(256).optional(),
});
export type RouteRequest = z.infer<typeof routeRequestSchema>;

/** Body of `POST /route/refinement`. */
export const refinementRequestSchema = z.object({
  query: z.string().min(1).max(100_000),
  refinement_type: z.string().min(1).max(64).default('fast'),
});

/** Answer of `POST /route` and `POST /route/refinement`. */
export const routeResponseSchema = z.object({
  decision_id: z.uuid(),
  model_id: z.string(),
  provider: z.string(),
  query_type: queryTypeSchema,
  query_type_confidence: z.number(),
  complexity: complexitySchema,
  complexity_confidence: z.number(),
  complexity_score: z.number(),
  fallback_chain: z.array(z.object({ model_id: z.string(), provider: z.string() })),
  budget_ms: z.int(),
  estimated_cost_usd: z.number().nullable(),
  policy_version: z.string(),
  explanation: explanationSchema,
});
export type RouteResponse = z.infer<typeof routeResponseSchema>;
