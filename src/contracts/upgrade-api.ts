import { z } from 'zod';
import { modelStatusSchema } from './model.ts';
import { rolloutStateSchema } from './rollout.ts';

/** Text that PostgreSQL can hold and a terminal can show. */
const words = (max: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(max)
    .regex(/^\P{Cc}*$/u, 'must not contain control characters');

export const upgradeActionSchema = z.enum([
  'approve',
  'advance',
  'promote',
  'rollback',
  'hold',
  'resume',
  'dismiss',
  'retry',
]);
export type UpgradeAction = z.infer<typeof upgradeActionSchema>;

/** Body of `POST /candidates/{id}/{action}`. */
export const upgradeActionBodySchema = z.strictObject({
  reason: words(1000).describe('Why; it is kept in the log.'),
  actor: words(200).optional().describe('Who; it is kept in the log, as "operator" where nobody says it.'),
  dry_run: z.boolean().default(false).describe('Answer what would happen, and do nothing.'),
  control: words(265)
    .optional()
    .describe('Of approve, for a model that nothing was proposed for: what it would replace, as provider/model_id.'),
});

const countedSchema = z.object({
  bad: z.int(),
  of: z.int(),
  rate: z.number().nullable().describe('Null where nothing was seen.'),
  interval: z
    .tuple([z.number(), z.number()])
    .describe('Holds for the true rate at all times at once, with a probability of 95%.'),
});
export type Counted = z.infer<typeof countedSchema>;

export const rolloutTestSchema = z.object({
  name: z.enum(['errors', 'quality', 'slowness']),
  harm: z
    .object({ log_evidence: z.number(), bound: z.number() })
    .describe(
      'Natural logarithm of the evidence that the candidate is worse, which counts a conversation once; at the bound it is rolled back.',
    ),
  safety: z
    .object({ log_evidence: z.number(), bound: z.number() })
    .describe(
      'Of that of the last stage that it is not worse by as much as the margin; at the bound it may be promoted.',
    ),
  is_required: z.boolean().describe('Whether a promotion waits for this test.'),
  is_safe: z.boolean(),
  requests_needed: z
    .int()
    .nullable()
    .describe('About how many more, of both models, until is_safe; null: not at the rates seen so far.'),
  candidate: countedSchema,
  control: countedSchema,
  pairs: z.object({ candidate: countedSchema, control: countedSchema }).nullable().describe('The same, in pairs.'),
});
export type RolloutTest = z.infer<typeof rolloutTestSchema>;

const modelNameSchema = z.object({ provider: z.string(), model_id: z.string() });

/** One rollout with all that is known of it. */
export const evaluationSchema = z.object({
  rollout_id: z.uuid(),
  previous_id: z.uuid().nullable().describe('The try of the same model before this one.'),
  candidate: modelNameSchema,
  control: modelNameSchema.describe('The model that it would replace.'),
  state: rolloutStateSchema,
  stage: z.int().describe('Of a canary: which of its shares, from 0.'),
  stages: z.int(),
  share: z.number(),
  held: z.boolean(),
  reason: z.string().describe('Why it is where it is, or what it waits for.'),
  advice: z.string().nullable().describe('What an operator may do where it may not move by itself.'),
  watched_until: z.iso
    .datetime()
    .nullable()
    .describe('Of a promotion: until when an alarm rolls it back, or proposes to.'),
  rollback_incident_id: z.uuid().nullable().describe('Of a promotion: for which incident its rollback is proposed.'),
  proposal: z.object({
    relation: z.enum(['family', 'price', 'operator']),
    automatic: z.boolean(),
    changes: z.record(z.string(), z.unknown()),
    capabilities_gained: z.array(z.string()),
    capabilities_lost: z.array(z.string()),
    summary: z.string(),
  }),
  evidence: z.object({
    pairs: z.int(),
    pairs_needed: z.int(),
    judge: z
      .object({ judged: z.int(), candidate_score: z.number(), control_score: z.number() })
      .nullable()
      .describe('Mean scores in [0, 1]; null where nobody judges.'),
    requests: z.object({ candidate: z.int(), control: z.int() }),
    unavailable: z
      .object({ candidate: z.int(), control: z.int() })
      .describe('Further requests for which the model was not there: 429, throttled, circuit open.'),
    mean_cost_usd: z.object({ candidate: z.number().nullable(), control: z.number().nullable() }),
    tests: z.array(rolloutTestSchema),
    requests_needed: z.int().nullable().describe('Of the test that needs most.'),
  }),
  created_at: z.iso.datetime(),
  stage_since: z.iso.datetime(),
  updated_at: z.iso.datetime(),
});
export type Evaluation = z.infer<typeof evaluationSchema>;

export const evaluationsSchema = z.object({ evaluations: z.array(evaluationSchema), count: z.int() });

export const upgradeStepSchema = z.object({
  dry_run: z.boolean(),
  event: z.string(),
  model: z.string(),
  rollout_id: z.uuid().nullable().describe('Null where the model has no rollout; of a dry run that began one, too.'),
  from: rolloutStateSchema.nullable(),
  to: rolloutStateSchema.nullable(),
  stage: z.int(),
  share: z.number(),
  held: z.boolean(),
  statuses: z
    .array(modelNameSchema.extend({ status: modelStatusSchema }))
    .describe('What becomes of the status of models.'),
});
export type UpgradeStep = z.infer<typeof upgradeStepSchema>;

export const upgradeCandidateSchema = z.object({
  id: z.uuid(),
  provider: z.string(),
  model_id: z.string(),
  status: z.enum(['discovered', 'dismissed']),
  preview: z.boolean(),
  replaces: z.string().nullable().describe('The model that it would replace.'),
  reason: z.string(),
  first_seen_at: z.iso.datetime(),
  last_seen_at: z.iso.datetime(),
  rollout: z
    .object({ rollout_id: z.uuid(), state: rolloutStateSchema, share: z.number(), held: z.boolean() })
    .nullable()
    .describe('The newest one.'),
});
export type UpgradeCandidateBody = z.infer<typeof upgradeCandidateSchema>;

export const upgradeCandidatesSchema = z.object({ candidates: z.array(upgradeCandidateSchema), count: z.int() });

export const rolloutLogEntrySchema = z.object({
  seq: z.string(),
  at: z.iso.datetime(),
  event: z.string(),
  from_state: rolloutStateSchema.nullable(),
  to_state: rolloutStateSchema,
  from_stage: z.int().nullable(),
  to_stage: z.int(),
  actor: z.string(),
  reason: z.string(),
  evidence: z.unknown(),
});
export const rolloutLogSchema = z.object({ log: z.array(rolloutLogEntrySchema), count: z.int() });

export const incidentSchema = z.object({
  incident_id: z.uuid(),
  kind: z.enum(['drift']),
  model_id: z.string(),
  complexity: z.string(),
  detail: z.unknown(),
  opened_at: z.iso.datetime(),
  last_alarm_at: z.iso.datetime().describe('When the model was found to be worse the last time.'),
  closed_at: z.iso.datetime().nullable(),
  closed_reason: z.string().nullable(),
});
export type IncidentBody = z.infer<typeof incidentSchema>;
export const closeIncidentSchema = z.strictObject({ reason: words(1000) });

export const refinerSweepSchema = z.object({
  budget_ms: z.number(),
  calls_needed: z.int(),
  models: z.array(
    z.object({
      provider: z.string(),
      model_id: z.string(),
      calls: z.int().describe('Whose time to the first token was measured in the last seven days.'),
      p50_ms: z.number().nullable(),
      is_refiner: z.boolean(),
      fits: z
        .boolean()
        .nullable()
        .describe('Whether half of its answers begin within the budget; null: not known yet.'),
      proposal: z.string(),
    }),
  ),
  changed: z.int().describe('How many were made refiners; in the mode auto alone.'),
});
