import { z } from 'zod';
import { recordOutcomeSchema } from '../../contracts/event.ts';
import { complexitySchema } from '../../contracts/query-class.ts';
import { rolloutArmSchema } from '../../contracts/rollout.ts';
import { SignalboxError } from '../../platform/core/errors.ts';
import type { ZodApp } from '../../platform/http/zod-app.ts';
import type { Pool } from '../../platform/postgres/pool.ts';
import { listRecords } from '../../platform/store/routing-records.ts';

const recordSchema = z.object({
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

/** Text that PostgreSQL can compare: it has no NUL. */
const name = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^\0]*$/, 'must not contain NUL');

const querySchema = z.strictObject({
  model: name.optional(),
  provider: name.optional(),
  complexity: complexitySchema.optional(),
  outcome: recordOutcomeSchema.optional(),
  instance_id: name.optional(),
  decision_id: z.uuid().optional(),
  before: z.string().min(1).max(200).optional().describe('The `next` of the page before.'),
  limit: z.coerce.number().int().min(1).max(500).default(50),
  explain: z.stringbool().default(false).describe('Whether to add the candidates and the exclusions.'),
});

/** An attempt more than any decision has. */
const attemptLimit = 1001;

export function registerDecisions(app: ZodApp, pool: Pool): void {
  app.get(
    '/decisions',
    {
      schema: {
        tags: ['decisions'],
        summary: 'Attempts of decisions, the newest first',
        querystring: querySchema,
        response: {
          200: z.object({
            decisions: z.array(recordSchema),
            next: z.string().nullable().describe('Pass it as `before` for the next page; null on the last one.'),
          }),
        },
      },
    },
    async ({ query }) => {
      const { limit, before, explain, instance_id: instanceId, decision_id: decisionId, ...filter } = query;
      const records = await listRecords(pool, { ...filter, instanceId, decisionId }, { before, limit, explain });
      if (records === undefined) {
        throw new SignalboxError('invalid_request', 'before: not the cursor of a page', { param: 'before' });
      }
      return { decisions: records, next: records.length < limit ? null : (records.at(-1)?.cursor ?? null) };
    },
  );

  app.get(
    '/decisions/:id',
    {
      schema: {
        tags: ['decisions'],
        summary: 'All attempts of one decision with its explanation, in order',
        params: z.object({ id: z.uuid() }),
        response: { 200: z.object({ decision_id: z.uuid(), attempts: z.array(recordSchema) }) },
      },
    },
    async ({ params }) => {
      const records = await listRecords(pool, { decisionId: params.id }, { limit: attemptLimit, explain: true });
      if (records === undefined || records.length === 0) {
        throw new SignalboxError('not_found', `no decision ${params.id}`, { param: 'id' });
      }
      return { decision_id: params.id, attempts: records.toSorted((a, b) => a.attempt - b.attempt) };
    },
  );
}
