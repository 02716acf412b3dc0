import { z } from 'zod';
import { isAutoModel } from '../../contracts/auto-model.ts';
import { costQualityTradeoffSchema } from '../../contracts/decision.ts';

const weight = z.number().min(0).max(100);
const modelName = z
  .string()
  .min(1)
  .refine((name) => !isAutoModel(name), 'must be the name of a model: auto has none of these');
const chain = (...models: string[]) => z.array(z.string().min(1)).default(models);

/**
 * How a model is chosen. Preferences name models as `model` or `provider/model`. The defaults are today's models of
 * the rank that the first policy named: a small fast one, a middle one, a flagship.
 */
const routingFields = z.strictObject({
  weights: z
    .strictObject({
      quality: weight.default(1).describe('Per full complexity score, 5 of 5.'),
      preference: weight.default(0.12).describe('For the first model of the query type’s preference chain.'),
      cost: weight.default(0.35).describe('For a request that costs far more than cost_reference_usd.'),
      latency: weight.default(0.15).describe('For a first token far later than latency_reference_ms.'),
      affinity: weight.default(0.1).describe('For the model that the conversation is with.'),
    })
    .prefault({}),
  prefer_multiplier: weight.default(4).describe('What `prefer` multiplies its term with.'),
  cost_reference_usd: z
    .number()
    .min(1e-9)
    .max(1_000_000)
    .default(0.01)
    .describe('The cost at which half the cost weight counts.'),
  latency_reference_ms: z
    .number()
    .positive()
    .default(1000)
    .describe('The time to the first token at which half the latency weight counts.'),
  preferences: z
    .strictObject({
      simple: chain('gpt-6-luna', 'claude-sonnet-5', 'gpt-6-sol'),
      technical: chain('claude-sonnet-5', 'gpt-6-sol', 'gpt-6-luna'),
      research: chain('gpt-6-sol', 'claude-sonnet-5', 'gpt-6-luna'),
      multimedia: chain('gpt-6-sol'),
    })
    .prefault({}),
  expected_output_tokens: z
    .strictObject({
      simple: z.int().min(1).default(150),
      medium: z.int().min(1).default(400),
      complex: z.int().min(1).default(1000),
    })
    .prefault({}),
  exploration: z
    .strictObject({
      enabled: z.boolean().default(true).describe('Lets auto try out models that may be better than the best known.'),
      floor: z
        .number()
        .min(0)
        .max(0.5)
        .default(0.01)
        .describe('Share of requests spread evenly over the best 16 models.'),
      max_share: z.number().min(0).max(1).default(0.1).describe('Requests that another than the best may answer.'),
      max_extra_cost: z
        .number()
        .min(0)
        .max(1000)
        .default(0.05)
        .describe('By how much trials may raise the expected cost of a request, as a share of it.'),
    })
    .prefault({}),
  cost_quality_tradeoff: costQualityTradeoffSchema
    .optional()
    .describe(
      'From quality (0) to cost (1), for requests and keys that say nothing. Not set: the weights as they are.',
    ),
  quality_floor: z
    .number()
    .min(0.5)
    .max(1)
    .optional()
    .describe('Share of the best model’s success rate to keep on average, at the least cost, such as 0.98.'),
  predictor: z
    .strictObject({
      enabled: z
        .boolean()
        .default(true)
        .describe('Whether what prompts have in common with earlier ones takes part in the choice.'),
      holdout: z
        .number()
        .min(0)
        .max(0.5)
        .default(0.05)
        .describe('Share of choices made without it, to see whether it helps; 0: nobody watches.'),
    })
    .prefault({}),
  target_cost_usd: z
    .number()
    .positive()
    .max(1_000_000)
    .optional()
    .describe('Mean cost of a request to keep to: the weight of the cost follows it. Not set: the weight stays.'),
  aliases: z
    .record(modelName.max(200), z.array(modelName).min(1).max(20))
    .default({})
    .describe('Names of your own that clients may ask for, each with its models, which are tried in turn.'),
  allow: z.array(z.string().min(1)).default(['*']).describe('Models that auto may choose; * stands for any text.'),
  deny: z.array(z.string().min(1)).default([]).describe('Models that auto may not choose; stronger than allow.'),
  fallback_chain_length: z
    .int()
    .min(1)
    .max(10)
    .default(3)
    .describe('Models tried at the most, the chosen one included.'),
});

/** The floor moves the trade-off, and a target the weight of the cost: two hands on one wheel. */
export const routingSchema = routingFields.refine(
  ({ quality_floor: floor, target_cost_usd: target, cost_quality_tradeoff: tradeOff }) =>
    floor === undefined || (target === undefined && tradeOff === undefined),
  {
    message: 'sets the trade-off by itself: leave out target_cost_usd and cost_quality_tradeoff',
    path: ['quality_floor'],
  },
);
