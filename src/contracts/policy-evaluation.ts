import { z } from 'zod';

/** What is measured of a decision. `worth` is success − λ·cost, λ being `successes_per_usd`. */
export const policyMeasureSchema = z.enum(['success', 'cost_usd', 'response_time_ms', 'worth']);
export type PolicyMeasure = z.infer<typeof policyMeasureSchema>;

const estimate = z.object({
  value: z.number(),
  interval: z.tuple([z.number(), z.number()]).describe('Holds the true value with 95%.'),
});
const candidateEstimate = estimate
  .extend({ difference: estimate.describe('To what the logged policy had on the same decisions.') })
  .nullable()
  .describe('Null where the data cannot tell; `warnings` says why.');
export type CandidateEstimate = NonNullable<z.infer<typeof candidateEstimate>>;

/** Why decisions were read, but not judged. */
export const leftOutReasonSchema = z.enum([
  'cancelled',
  'no_outcome',
  'no_propensity',
  'no_candidates',
  'provider_order',
  'nothing_allowed',
]);
export type LeftOutReason = z.infer<typeof leftOutReasonSchema>;

const share = z.number().min(0).max(1);

/** Answer of `POST /policy/evaluate`. */
export const policyEvaluationSchema = z.object({
  since: z.iso.datetime({ offset: true }),
  until: z.iso.datetime({ offset: true }).nullable(),
  decisions: z.object({
    read: z.int(),
    used: z.int(),
    left_out: z.partialRecord(leftOutReasonSchema, z.int()),
    limit_reached: z.boolean().describe('There may be older decisions in the window.'),
  }),
  logged_policies: z
    .array(z.object({ policy_version: z.string().nullable(), decisions: z.int() }))
    .describe('The policies that decided, those of the most decisions first.'),
  effective_sample_size: z.number().describe('How many decisions of the policy itself would say as much.'),
  changed_share: share.describe('Decisions in which the policy would have chosen another model than was served.'),
  unsupported_share: share.describe('Decisions whose new choice the logged policy would never have made.'),
  unseen_share: share.describe('Decisions in which the policy allows models that the logged one did not.'),
  sure_share: share.describe('Decisions in which nothing was tried out: propensity 1.'),
  successes_per_usd: z.number().nullable().describe('λ of `worth`, from the weights of the policy.'),
  measures: z.array(
    z.object({
      measure: policyMeasureSchema,
      decisions: z.int().describe('Of which the measure is known.'),
      effective_sample_size: z.number(),
      logged: estimate,
      snips: candidateEstimate,
      doubly_robust: candidateEstimate,
    }),
  ),
  can_tell: z.boolean().describe('False where no estimate can be given.'),
  warnings: z.array(z.string()),
  summary: z.array(z.string()).describe('What it means, in words.'),
});
export type PolicyEvaluation = z.infer<typeof policyEvaluationSchema>;
