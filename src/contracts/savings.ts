import { z } from 'zod';

const usd = z.number();
const count = z.int();
const estimate = z.object({
  value: z.number(),
  interval: z.tuple([z.number(), z.number()]).describe('Holds the true value with 95%.'),
});

/** Answer of `GET /savings`. */
export const savingsSchema = z.object({
  since: z.iso.datetime({ offset: true }).describe('The hour in which the window begins.'),
  until: z.iso.datetime({ offset: true }),
  requests: z.object({
    answered: count.describe('Automatic requests that were answered, and whose cost is known.'),
    left_out: count.describe('Answered by a model of unknown price, or without usage: in no sum here.'),
  }),
  spent: z.object({
    choices_usd: usd.describe('Calls of the chosen models.'),
    fallbacks_usd: usd.describe('Calls of other models after those.'),
    hedges_usd: usd.describe('Second calls because the first token was late.'),
    copies_usd: usd.describe('Copies to models on trial.'),
    judges_usd: usd.describe('Of copies and of races.'),
    race_losers_usd: usd.describe('Lanes of races that were not selected.'),
    total_usd: usd.describe('The sum of the above.'),
    unused_usd: usd.describe('The part of it of calls for automatic requests whose answer nobody got.'),
    explored: count.describe('Answers of models that were tried out in the place of the best.'),
    exploration_usd: usd.describe(
      'What those cost more than the best would have, by the expected costs of both; part of the choices.',
    ),
  }),
  baseline: z
    .object({
      model: z.string(),
      provider: z.string(),
      chosen_by: z.enum(['estimate', 'request']),
      success_rate: z.number().nullable().describe('What was measured and what is believed, by their weight.'),
      cost_usd: usd.nullable().describe('What the same requests would have cost; null where its price is unknown.'),
      own_output: count.describe('Requests for which its own mean of output tokens is taken.'),
      same_output: count.describe('Requests for which the output tokens are those of the answer that was given.'),
    })
    .nullable()
    .describe('The best single model; null where nothing is known of any.'),
  saved: z
    .object({ usd, share: z.number().nullable().describe('Of the baseline’s cost.') })
    .nullable()
    .describe('The baseline’s cost less the total.'),
  quality: z.object({
    decisions: z.object({
      read: count,
      used: count,
      limit_reached: z.boolean().describe('There are older decisions in the window.'),
    }),
    success: estimate.nullable().describe('Of the automatic choices: by feedback, else by outcome.'),
    baseline_success: estimate.nullable().describe('Of the baseline on the same decisions: doubly robust.'),
    baseline_success_snips: z.number().nullable().describe('The same by the other estimator.'),
    effective_sample_size: z.number().describe('How many decisions of the baseline itself would say as much.'),
    quality_ratio: estimate.nullable().describe('Success divided by the baseline’s; null where the data cannot tell.'),
    believed_ratio: z.number().nullable().describe('The same of what the routers believed when they chose.'),
    floor: z.number().nullable().describe('`routing.quality_floor`.'),
    holds: z.boolean().nullable().describe('Whether the ratio is at the floor or above; null where it is not sure.'),
  }),
  notes: z.array(z.string()),
});
export type Savings = z.infer<typeof savingsSchema>;
