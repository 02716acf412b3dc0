import { z } from 'zod';
import { complexitySchema, queryTypeSchema } from './query-class.ts';
import { raceLaneSchema } from './race.ts';
import { rolloutLabelSchema } from './rollout.ts';

/** Queue of decisions and outcomes, written by every router and read by central. */
export const decisionsQueue = 'model_routing_decisions';
/** Topic prefix and the seed's queue of learned scores. */
export const scoreUpdatesQueue = 'model_score_updates';
/** Routing key of every score update; `model_score_updates.#` matches it. */
export const scoreUpdatesRoutingKey = 'model_score_updates.score';
/** Topic pattern to which each instance's queue is bound. */
export const scoreUpdatesPattern = 'model_score_updates.#';
/** NOTIFY channel that wakes the consumer of decisions. */
export const decisionsChannel = 'signalbox_decisions';
/** NOTIFY channel that wakes the readers of scores. */
export const scoresChannel = 'signalbox_scores';
/** NOTIFY channel that wakes the readers of the catalogue. */
export const catalogueChannel = 'signalbox_catalogue';

/** NOTIFY channel that wakes the readers of predictors. */
export const predictorsChannel = 'signalbox_predictors';

export const terminalOutcomes = ['success', 'failure', 'timeout', 'cancelled'] as const;
export const outcomeSchema = z.enum(['routed', ...terminalOutcomes]);
export type Outcome = z.infer<typeof outcomeSchema>;
export type TerminalOutcome = (typeof terminalOutcomes)[number];

/** Error code of an answer that came, a success, and that the provider's content filter ended. */
export const contentFilterCode = 'content_filter';
/** Error code of a cancelled attempt that another of the same request, sent because this one was late, has overtaken. */
export const hedgeLostCode = 'hedge_lost';

/** What is known of an attempt. `unknown`: its outcome did not come in time; one that comes later still counts. */
export const recordOutcomeSchema = z.enum([...outcomeSchema.options, 'unknown']);
export type RecordOutcome = z.infer<typeof recordOutcomeSchema>;

/** How a model came to answer: only `auto` is the policy's own choice. `feedback` corrects an earlier outcome. */
export const originSchema = z.enum(['auto', 'pinned', 'fallback', 'hedge', 'race', 'shadow', 'canary', 'feedback']);
export type Origin = z.infer<typeof originSchema>;

const token = z.int().min(0).max(1_000_000_000);

/**
 * The seed's decision, and what was added. All that was added is optional, so that an instance which speaks only the
 * seed's JSON is understood.
 */
export const routingDecisionSchema = z.object({
  complexity: complexitySchema,
  selected_model: z.string().min(1).max(200),
  selected_provider: z.string().min(1).max(64),
  complexity_score: z.number().min(0).max(5),
  outcome: outcomeSchema,
  response_time_ms: z.number().min(0).max(86_400_000).nullish(),
  capabilities_required: z.array(z.string().max(64)).max(32).nullish(),
  prefer: z.string().max(32).nullish(),
  user_model_request: z.string().max(200).nullish(),

  decision_id: z.uuid().optional(),
  attempt: z.int().min(0).max(1000).optional(),
  origin: originSchema.optional(),
  propensity: z.number().min(0).max(1).nullish(),
  /** False where nobody is bound to tell the outcome, so that none is missing; on `routed` events only. */
  expects_outcome: z.boolean().optional(),
  query_type: queryTypeSchema.optional(),
  response_model: z.string().max(200).nullish(),
  streamed: z.boolean().optional(),
  input_tokens: token.nullish(),
  output_tokens: token.nullish(),
  cached_input_tokens: token.nullish(),
  cache_write_tokens: token.nullish(),
  reasoning_tokens: token.nullish(),
  usage_estimated: z.boolean().optional(),
  cost_usd: z.number().min(0).max(1_000_000).nullish(),
  /** What the answer cost more than that of the best model would have, in whose place the chosen one was tried out. */
  exploration_cost_usd: z.number().min(-1_000_000).max(1_000_000).nullish(),
  time_to_first_token_ms: z.number().min(0).max(86_400_000).nullish(),
  http_status: z.int().min(100).max(599).nullish(),
  error_code: z.string().max(64).nullish(),
  policy_version: z.string().max(64).nullish(),
  /** What the prompt is made of, as numbers that only the installation can read; on `routed` events only. */
  features: z.array(z.int()).max(4096).nullish(),
  /** Which secret the features were scrambled with. */
  features_key: z.string().max(64).nullish(),
  /** Which predictor there was, and whether the choice was made with it or, to compare, without. */
  predictor: z.object({ version: z.int().min(0), arm: z.enum(['used', 'held_out']) }).optional(),
  /** Candidates with their score terms and exclusions with their reasons; on `routed` events only. */
  explanation: z.record(z.string(), z.unknown()).nullish(),
  /** Quality in [0, 1] as a user, a judge or a race gave it; on `feedback` events and verdicts of races only. */
  feedback_score: z.number().min(0).max(1).nullish(),
  race: raceLaneSchema.optional(),
  rollout: rolloutLabelSchema.optional(),
});
export type RoutingDecision = z.infer<typeof routingDecisionSchema>;

/** `timestamp` is the time of the decision, also on the later events of the same decision. */
export const routingEventSchema = z.object({
  timestamp: z.iso.datetime({ offset: true }),
  instance_id: z.string().min(1).max(200),
  event_id: z.uuid().optional(),
  routing_decision: routingDecisionSchema,
});
export type RoutingEvent = z.infer<typeof routingEventSchema>;

/** The seed's score update, and what was added. `seq` grows by one log for the whole fleet. */
export const scoreUpdateSchema = z.object({
  timestamp: z.iso.datetime({ offset: true }),
  event_type: z.literal('model_score_update'),
  model: z.string().min(1).max(200),
  complexity: complexitySchema,
  old_score: z.number().min(0).max(5),
  new_score: z.number().min(0).max(5),
  reason: z.string().max(1000),
  seq: z.int().min(0).optional(),
  n_eff: z.number().min(0).optional(),
  interval: z.tuple([z.number(), z.number()]).optional(),
  p95_ms: z.number().min(0).nullish(),
});
export type ScoreUpdate = z.infer<typeof scoreUpdateSchema>;
