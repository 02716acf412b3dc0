import { z } from 'zod';
import { milliseconds } from './milliseconds.ts';

/** How central learns from outcomes: scores of models, and what prompts say of them. */
export const learnerSchema = z.strictObject({
  kind: z
    .enum(['bayesian', 'threshold'])
    .default('bayesian')
    .describe('The rule by which scores are learned; threshold is the simple one of the first design.'),
  half_life_requests: z
    .int()
    .min(100)
    .max(100_000_000)
    .default(10_000)
    .describe('bayesian: requests of a complexity after which evidence counts half.'),
  half_life_hours: z
    .number()
    .min(0.1)
    .max(8760)
    .default(24)
    .describe('bayesian: the same in time, where there are fewer requests.'),
  interval_ms: milliseconds.default(1000).describe('How often the learner looks at new evidence.'),
  min_samples: z
    .int()
    .min(1)
    .default(100)
    .describe('Answers of a model and complexity before its score may move; with threshold, new ones each time.'),
  success_threshold: z
    .number()
    .min(0)
    .max(1)
    .default(0.95)
    .describe('threshold: share of good answers above which a score never falls.'),
  slow_ms: z.number().positive().default(2000).describe('Mean response time above which a model counts as slow.'),
  min_latencies: z.int().min(1).default(30).describe('Response times that are needed before they count.'),
  predictor: z
    .strictObject({
      interval_ms: milliseconds
        .default(60_000)
        .describe('How often it is looked whether there is enough to learn from.'),
      min_outcomes: z
        .int()
        .min(100)
        .max(1_000_000)
        .default(1000)
        .describe('Outcomes before the first predictor is trained.'),
      max_outcomes: z
        .int()
        .min(100)
        .max(200_000)
        .default(20_000)
        .describe('The newest outcomes, so many, are learned from.'),
    })
    .prefault({}),
});
