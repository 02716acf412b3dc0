import { z } from 'zod';

/** Fractions are for trying it out. */
const hours = z.number().min(0).max(8760);
const alpha = z.number().gt(0).max(0.5);

/** How new models are found, tried, and put in the place of others. */
export const upgradeSchema = z
  .strictObject({
    discover_ms: z.int().min(60_000).max(2_147_483_647).default(604_800_000).describe('Weekly by default.'),
    mode: z
      .enum(['off', 'approve', 'auto'])
      .default('approve')
      .describe(
        '`auto`: newer models of a family are tried by themselves; `approve`: after a word of yours; `off`: never.',
      ),
    shadow: z
      .strictObject({
        share: z.number().min(0).max(0.05).default(0.02).describe('Requests that are copied to a candidate.'),
        min_hours: hours.default(24),
        min_pairs: z.int().min(1).max(1_000_000).default(100),
        max_usd_per_day: z
          .number()
          .min(0)
          .max(1_000_000)
          .default(1)
          .describe('What copies may cost, of all routers together.'),
        without_key: z.boolean().default(true).describe('Copy requests of callers without a virtual key.'),
        judge: z
          .string()
          .min(1)
          .max(200)
          .optional()
          .describe('A model that compares the answers; without it, nobody does.'),
      })
      .prefault({}),
    canary: z
      .strictObject({
        shares: z
          .array(z.number().gt(0).max(0.5))
          .min(1)
          .max(8)
          .default([0.1, 0.2, 0.5])
          .describe('Of the requests of the model that is replaced, stage by stage; then all.'),
        min_hours: z.array(hours).min(1).max(8).default([24, 24, 24]).describe('Of each stage, at the least.'),
        margin: z
          .number()
          .gt(0)
          .max(10)
          .default(0.5)
          .describe('How much worse, as a share, a candidate may be that counts as no worse.'),
        acceptable_error_rate: z
          .number()
          .min(0)
          .max(1)
          .default(0.02)
          .describe(
            'Below it a candidate is good enough, whatever the other model’s rate; also for how often it is not there.',
          ),
        acceptable_bad_quality_rate: z
          .number()
          .min(0)
          .max(1)
          .default(0.1)
          .describe('The same for answers that were judged.'),
        min_answers: z.int().min(1).max(1_000_000).default(50).describe('Of the candidate, in each stage.'),
        min_judged: z
          .int()
          .min(1)
          .max(1_000_000)
          .default(50)
          .describe('Judged answers of the candidate from which on quality has to be shown too.'),
      })
      .prefault({}),
    watch_hours: hours
      .default(168)
      .describe('After a promotion: how long an alarm of the learner rolls it back, or proposes to. 0: not at all.'),
    alpha: z
      .strictObject({
        errors: alpha.default(0.03),
        quality: alpha.default(0.01),
        slowness: alpha.default(0.01),
      })
      .prefault({})
      .describe('Probability that a candidate as good as the other is rolled back, for each reason.'),
    beta: alpha.default(0.05).describe('Probability that a candidate worse than the margin is promoted.'),
  })
  .refine(({ canary }) => canary.shares.length === canary.min_hours.length, {
    message: 'canary.min_hours must have as many entries as canary.shares',
    path: ['canary', 'min_hours'],
  })
  .refine(({ canary: { shares } }) => shares.every((share, index) => share > (shares[index - 1] ?? 0)), {
    message: 'must grow from stage to stage',
    path: ['canary', 'shares'],
  });
