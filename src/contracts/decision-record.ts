import { z } from 'zod';
import { originSchema, recordOutcomeSchema } from './event.ts';
import { complexitySchema, queryTypeSchema } from './query-class.ts';
import { rolloutArmSchema } from './rollout.ts';

/** One attempt of a decision, as central keeps it. Costs in USD, times in milliseconds. */
export const decisionRecordSchema = z.object({
  timestamp: z.string().describe('Time of the decision.'),
  decision_id: z.uuid(),
  attempt: z.int(),
  instance_id: z.string(),
  complexity: complexitySchema,
  query_type: z.string().nullable(),
  model: z.string(),
  provider: z.string(),
  score: z.number().describe('The complexity score that the model was chosen with.'),
  outcome: recordOutcomeSchema,
  response_time_ms: z.number().nullable(),
  time_to_first_token_ms: z.number().nullable(),
  capabilities_required: z.array(z.string()).nullable(),
  preference: z.string().nullable(),
  origin: z.string(),
  propensity: z.number().nullable(),
  requested_model: z.string().nullable(),
  response_model: z.string().nullable(),
  streamed: z.boolean().nullable(),
  input_tokens: z.number().nullable(),
  output_tokens: z.number().nullable(),
  cached_input_tokens: z.number().nullable(),
  cache_write_tokens: z.number().nullable(),
  reasoning_tokens: z.number().nullable(),
  usage_estimated: z.boolean().nullable(),
  cost_usd: z.number().nullable(),
  http_status: z.int().nullable(),
  error_code: z.string().nullable(),
  policy_version: z.string().nullable(),
  predictor_version: z.int().nullable().describe('The predictor that there was when it was decided.'),
  predictor_arm: z.string().nullable().describe('used: the choice was made with it; held_out: without, to compare.'),
  features_key: z.string().nullable().describe('Names the secret that the features are scrambled with.'),
  features: z.array(z.int()).nullable(),
  feedback_score: z.number().nullable(),
  rollout_id: z.uuid().nullable().describe('The rollout of a model that it is part of.'),
  rollout_arm: rolloutArmSchema.nullable(),
  rollout_share: z.number().nullable(),
  rollout_unit: z.string().nullable(),
  explanation: z.record(z.string(), z.unknown()).nullable().describe('Null unless it was asked for.'),
  updated_at: z.string(),
});
export type DecisionRecord = z.infer<typeof decisionRecordSchema>;

/** Text that PostgreSQL can compare: it has no NUL. */
const name = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^\0]*$/, 'must not contain NUL');

/** Query of `GET /decisions`. All conditions hold together. */
export const decisionsQuerySchema = z.strictObject({
  since: z.iso.datetime({ offset: true }).optional(),
  until: z.iso.datetime({ offset: true }).optional().describe('Decisions before this time.'),
  model: name.optional(),
  provider: name.optional(),
  requested_model: name.optional().describe('As the client wrote it, such as `auto`.'),
  complexity: complexitySchema.optional(),
  query_type: queryTypeSchema.optional(),
  origin: originSchema.exclude(['feedback']).optional(),
  outcome: recordOutcomeSchema.optional(),
  errors: z.stringbool().optional().describe('Only failures and timeouts.'),
  min_cost_usd: z.coerce.number().min(0).optional(),
  min_latency_ms: z.coerce.number().min(0).max(86_400_000).optional().describe('Of the whole answer.'),
  instance_id: name.optional(),
  decision_id: z.uuid().optional(),
  before: z.string().min(1).max(200).optional().describe('The `next` of the page before.'),
  limit: z.coerce.number().int().min(1).max(500).default(50),
  explain: z.stringbool().default(false).describe('Whether to add the candidates and the exclusions.'),
});

/** Answer of `GET /decisions`. */
export const decisionsSchema = z.object({
  decisions: z
    .array(decisionRecordSchema)
    .describe('By falling time. Perhaps fewer than `limit`, or none, although there is a next page.'),
  next: z.string().nullable().describe('Pass it as `before` for the next page; null on the last one.'),
  searched_until: z
    .string()
    .nullable()
    .describe('One page looks at so many decisions at the most: it came back to this time. Null: to the end.'),
});
export type Decisions = z.infer<typeof decisionsSchema>;

/** Answer of `GET /decisions/{id}`. */
export const decisionAttemptsSchema = z.object({ decision_id: z.uuid(), attempts: z.array(decisionRecordSchema) });
export type DecisionAttempts = z.infer<typeof decisionAttemptsSchema>;
