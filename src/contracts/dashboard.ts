import { z } from 'zod';
import { capabilitySchema, modelStatusSchema, providerHealthSchema } from './model.ts';
import { complexitySchema } from './query-class.ts';
import { incidentSchema } from './upgrade-api.ts';

/** The times that views look back on. */
export const windowSchema = z.enum(['1h', '6h', '24h', '7d', '30d']);
export type Window = z.infer<typeof windowSchema>;

/** Of views of single models, whose latencies are kept by the hour. */
export const historyWindowSchema = windowSchema.exclude(['1h', '6h']);
export type HistoryWindow = z.infer<typeof historyWindowSchema>;

const count = z.int();
const usd = z.number();
const share = z.number().min(0).max(1);
const time = z.iso.datetime();

const quantilesSchema = z
  .object({ p50: z.number(), p95: z.number(), p99: z.number() })
  .nullable()
  .describe('Milliseconds, within 1%; null where nothing was measured.');

/** What clients asked and got. */
export const trafficSchema = z.object({
  requests: count.describe('By clients; lanes of races and copies are not among them, nor decisions only asked for.'),
  answered: count.describe('Requests that some model answered.'),
  failed: count.describe('Requests that ended without an answer.'),
  left: count.describe('Requests whose client left before the end.'),
  success_rate: share.nullable().describe('answered / (answered + failed); null without either.'),
  latency_ms: quantilesSchema.describe('Of whole answers.'),
  first_token_ms: quantilesSchema,
  cost_usd: usd.describe('Of all calls, of races and copies too.'),
  input_tokens: count.describe('Of all calls.'),
  output_tokens: count.describe('Of all calls.'),
  feedback_count: count,
  feedback_mean: share.nullable(),
});
export type Traffic = z.infer<typeof trafficSchema>;

/** Calls of one model. */
export const modelTrafficSchema = z.object({
  calls: count.describe('Begun for requests of clients, further tries included.'),
  answers: count,
  failures: count.describe('Timeouts included.'),
  success_rate: share.nullable().describe('answers / (answers + failures); null without either.'),
  cost_usd: usd.describe('Of all calls, of races and copies too.'),
  cost_per_answer_usd: usd.nullable().describe('Of calls for requests of clients.'),
  input_tokens: count,
  output_tokens: count,
  feedback_count: count,
  feedback_mean: share.nullable(),
});
export type ModelTraffic = z.infer<typeof modelTrafficSchema>;

const windowFields = {
  window: windowSchema,
  since: time,
  until: time,
};

/** Answer of `GET /overview`. */
export const overviewSchema = z.object({
  ...windowFields,
  bucket_seconds: count.describe('Of the series: each entry is that long. The last one is not over yet.'),
  totals: trafficSchema,
  previous: trafficSchema.describe('The same of the window before this one.'),
  series: z.array(trafficSchema.extend({ at: time.describe('Its beginning.') })).describe('Without gaps, by time.'),
  models: z
    .array(modelTrafficSchema.extend({ provider: z.string(), model: z.string(), share }))
    .describe('With most calls first; at most 50, `share` of the calls of all.'),
  incidents: z.object({ open: count, newest: z.array(incidentSchema).describe('Open ones, at most 5.') }),
  instances: z.object({
    live: count,
    stale: count.describe('Known, but silent for a minute.'),
  }),
  staleness: z.object({
    newest_event_at: time.nullable().describe('When the newest event was counted; null where none ever was.'),
    newest_event_age_seconds: z.number().nullable(),
    waiting_events: count.describe('Events that wait in the queue.'),
    oldest_waiting_seconds: z.number().nullable().describe('Null where none waits.'),
  }),
});
export type Overview = z.infer<typeof overviewSchema>;

/** What is believed of one model at one complexity. */
export const scoreCellSchema = z.object({
  score: z.number().describe('That counts: the learned one, else that of the catalogue. In [0, 5].'),
  is_learned: z.boolean(),
  catalogue_score: z.number(),
  interval: z.tuple([z.number(), z.number()]).nullable().describe('What is believed with 90%, as scores.'),
  n_eff: z.number().nullable().describe('How many outcomes the belief rests on, newer ones counting more.'),
  success_rate: share.nullable().describe('As believed now.'),
  reason: z.string().nullable().describe('Of the newest change.'),
  updated_at: time.nullable(),
});
export type ScoreCell = z.infer<typeof scoreCellSchema>;

const perComplexity = <T extends z.ZodType>(value: T) => z.object({ simple: value, medium: value, complex: value });

export const dashboardModelSchema = z.object({
  provider: z.string(),
  model_id: z.string(),
  display_name: z.string().nullable(),
  status: modelStatusSchema,
  capabilities: z.array(capabilitySchema).describe('Those that it has.'),
  context_window: count.nullable(),
  input_usd_per_million_tokens: usd.nullable(),
  output_usd_per_million_tokens: usd.nullable(),
  is_refiner: z.boolean(),
  scores: perComplexity(scoreCellSchema),
  traffic: modelTrafficSchema.extend({
    share,
    latency_ms: quantilesSchema.describe('Of whole answers; of more than a day by whole days, so of a little more.'),
    first_token_ms: quantilesSchema,
  }),
  health: providerHealthSchema
    .pick({ status: true, simulated: true, last_checked_at: true, last_ok_at: true, error: true })
    .nullable()
    .describe('Of its provider; null where nobody checks it.'),
});
export type DashboardModel = z.infer<typeof dashboardModelSchema>;

/** One model at one complexity, as a point in a picture of cost and quality. */
export const costQualityPointSchema = z.object({
  provider: z.string(),
  model_id: z.string(),
  complexity: complexitySchema,
  quality: z.number().describe('The score that counts, in [0, 5].'),
  cost_usd: usd.describe('Of one answer.'),
  is_measured: z.boolean().describe('Whether the cost is that of its answers; else that of usual tokens at its price.'),
  answers: count.describe('To automatic requests in the window.'),
  on_frontier: z.boolean().describe('Whether no other model is at least as good for less, or better for as much.'),
});
export type CostQualityPoint = z.infer<typeof costQualityPointSchema>;

/** Answer of `GET /dashboard/models`. */
export const dashboardModelsSchema = z.object({
  ...windowFields,
  window: historyWindowSchema,
  models: z.array(dashboardModelSchema).describe('By provider and id.'),
  cost_quality: z.array(costQualityPointSchema).describe('Models of unknown price without answers are left out.'),
});
export type DashboardModels = z.infer<typeof dashboardModelsSchema>;

export const scoreStepSchema = z.object({
  seq: count,
  at: time,
  old_score: z.number(),
  score: z.number(),
  interval: z.tuple([z.number(), z.number()]).nullable(),
  n_eff: z.number().nullable(),
  reason: z.string(),
});
export type ScoreStep = z.infer<typeof scoreStepSchema>;

/** Answer of `GET /dashboard/models/{provider}/{model}/history`. */
export const modelHistorySchema = z.object({
  ...windowFields,
  window: historyWindowSchema,
  provider: z.string(),
  model_id: z.string(),
  bucket_seconds: count,
  scores: perComplexity(z.array(scoreStepSchema)).describe(
    'Changes in the window by time, the newest 500 of each; the first one tells the score before it.',
  ),
  series: z
    .array(modelTrafficSchema.extend({ at: time, latency_ms: quantilesSchema, first_token_ms: quantilesSchema }))
    .describe('Without gaps, by time.'),
  incidents: z.array(incidentSchema).describe('Of the model in the window, the newest first, at most 50.'),
});
export type ModelHistory = z.infer<typeof modelHistorySchema>;

const armSchema = z.object({
  requests: count,
  bad: count,
  bad_rate: share.nullable(),
  interval: z.tuple([z.number(), z.number()]).nullable().describe('Of the rate, with 95%.'),
});

export const predictorSchema = z.object({
  version: count,
  created_at: time,
  examples: count.describe('Outcomes that it was trained on.'),
  outcomes_before: count.describe('Outcomes that the fleet had counted by then.'),
  is_serving: z.boolean().describe('It is the newest and not retired.'),
  retired_at: time.nullable(),
  retired_reason: z.string().nullable(),
  used: armSchema.describe('Automatic choices made with it.'),
  held_out: armSchema.describe('Made without it, to compare.'),
});
export type PredictorSummary = z.infer<typeof predictorSchema>;

/** Answer of `GET /learning`. Scores and their history are those of `GET /scores`. */
export const learningSchema = z.object({
  cells: z
    .array(
      z.object({
        model: z.string(),
        complexity: complexitySchema,
        success_rate: share.describe('As believed now.'),
        n_eff: z.number(),
        observations: z.number().describe('Outcomes seen since the belief was begun.'),
        prior_share: share.describe('How much of the belief is still the word of the catalogue.'),
        alarm: z
          .object({ worse: z.number(), worse_at: z.number(), better: z.number(), better_at: z.number() })
          .describe('Evidence of a sudden change, and at how much of it the belief is begun anew.'),
        updated_at: time,
      }),
    )
    .describe('By model and complexity.'),
  incidents: z.array(incidentSchema).describe('Open ones first, then the newest; at most 100.'),
  predictors: z.array(predictorSchema).describe('The newest first, at most 50.'),
});
export type Learning = z.infer<typeof learningSchema>;

/** Answer of `GET /dashboard/installation`: what a first run wants to know. */
export const installationSchema = z.object({
  version: z.string(),
  router_url: z
    .url()
    .nullable()
    .describe('Where central finds the router, if it knows; clients may have to use another name of its host.'),
  is_simulated: z.boolean().describe('Answers come from the simulator, for no provider is configured.'),
  has_decisions: z.boolean().describe('Whether any decision is recorded.'),
  models: count.describe('That are offered.'),
  providers: count,
});
export type Installation = z.infer<typeof installationSchema>;
