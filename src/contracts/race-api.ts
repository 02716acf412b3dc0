import { z } from 'zod';
import { chatMessageSchema, providerPreferencesSchema } from './openai.ts';
import { errorBodySchema } from './api.ts';
import { costQualityTradeoffSchema } from './decision.ts';
import { laneStatusSchema, mostLanes, raceOutcomeSchema, raceStrategySchema } from './race.ts';
import { raceOptionsSchema } from './race-options.ts';

/** Body of `POST /race`. All that is not named here goes to the models as it is. */
export const raceRequestSchema = z
  .looseObject({
    messages: z.array(chatMessageSchema).min(1).max(100_000).optional(),
    prompt: z.string().min(1).max(1_000_000).optional().describe('Instead of messages.'),
    models: z.array(z.string().min(1).max(200)).min(1).max(mostLanes).optional(),
    strategy: raceStrategySchema.default('first'),
    stream: z.boolean().optional().describe('True: what happens in the lanes, as server-sent events.'),
    max_cost_usd: z.number().positive().max(1_000_000).optional().describe('Of the whole race.'),
    cost_quality_tradeoff: costQualityTradeoffSchema.optional().describe('By which models are chosen.'),
    max_tokens: z.int().min(1).optional(),
    max_completion_tokens: z.int().min(1).optional(),
    provider: providerPreferencesSchema.optional(),
    ...raceOptionsSchema.shape,
  })
  .refine(({ messages, prompt }) => (messages === undefined) !== (prompt === undefined), {
    message: 'give either messages or prompt',
    path: ['messages'],
  });

const milliseconds = z.number().min(0);

export const raceCandidateSchema = z.object({
  lane: z.int(),
  decision_id: z.uuid(),
  model: z.string(),
  provider: z.string(),
  status: z.union([laneStatusSchema, z.enum(['waiting', 'running'])]),
  latency_ms: milliseconds.nullable().describe('Until the lane ended; with `first`, until its first content.'),
  cost_usd: z.number().nullable().describe('Null where it is unknown, or the lane is still ending.'),
  confidence: z.number().nullable().describe('How likely the answer is right, in [0, 1]; null where nothing says.'),
  output: z.string().nullable().describe('The text of the answer.'),
  reason: z.string().nullable().describe('Why the lane ended as it did.'),
});
export type RaceCandidate = z.infer<typeof raceCandidateSchema>;

/** Answer of `POST /race`. */
export const raceResponseSchema = z.object({
  race_id: z.uuid(),
  strategy: raceStrategySchema,
  outcome: raceOutcomeSchema,
  reason: z.string(),
  selected: raceCandidateSchema.nullable(),
  candidates: z.array(raceCandidateSchema),
  agreement_score: z.number().nullable(),
  margin: z.number().nullable(),
  cost_usd: z.number().nullable().describe('Of all lanes and the judge; null where one of them is unknown.'),
  duration_ms: milliseconds,
  answer: z.unknown().describe('The selected answer as a chat completion; null where there is none.'),
  error: errorBodySchema.shape.error.optional().describe('In a stream of events: why there is no whole answer.'),
});
export type RaceResponse = z.infer<typeof raceResponseSchema>;
