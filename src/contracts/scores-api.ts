import { z } from 'zod';
import { complexitySchema } from './query-class.ts';

const interval = z.tuple([z.number(), z.number()]).nullable().describe('What is believed with 90%, as scores.');

const scoreSchema = z.object({
  model: z.string(),
  complexity: complexitySchema,
  score: z.number(),
  catalogue_score: z.number().describe('What the catalogue said when the score was learned.'),
  seq: z.int(),
  sample_size: z.int().describe('Outcomes that it was last learned from.'),
  success_rate: z.number().nullable(),
  avg_response_time_ms: z.number().nullable(),
  p95_ms: z.number().nullable(),
  interval,
  reason: z.string(),
  updated_at: z.iso.datetime(),
});
export type ScoreBody = z.infer<typeof scoreSchema>;

const changeSchema = z.object({
  seq: z.int(),
  timestamp: z.iso.datetime(),
  model: z.string(),
  complexity: complexitySchema,
  old_score: z.number(),
  new_score: z.number(),
  sample_size: z.int(),
  p95_ms: z.number().nullable(),
  interval,
  n_eff: z.number().nullable().describe('How many outcomes the belief rested on.'),
  reason: z.string(),
});
export type ScoreChangeBody = z.infer<typeof changeSchema>;

const beliefSchema = z.object({
  model: z.string(),
  complexity: complexitySchema,
  success_rate: z.number().describe('The mean of what is believed.'),
  n_eff: z
    .number()
    .describe('How many outcomes it rests on, newer ones counting more; 10 of them are the catalogue’s word.'),
  refinements: z
    .array(z.object({ kind: z.enum(['instance', 'provider', 'query_type']), value: z.string(), offset: z.number() }))
    .describe('By how much the success rate differs there.'),
});

/** Answer of `GET /scores`. */
export const scoresSchema = z.object({
  seq: z.int().describe('Number of the newest update.'),
  scores: z.array(scoreSchema),
  beliefs: z.array(beliefSchema).describe('What is believed of each cell now; scores follow when it is sure.'),
  history: z.array(changeSchema).describe('The newest first; for more, pass the least `seq` as `before`.'),
});
export type Scores = z.infer<typeof scoresSchema>;

/** Answer of `POST /scores/restore`. */
export const restoredScoresSchema = z.object({
  changed: z.array(
    z.object({ model: z.string(), complexity: complexitySchema, old_score: z.number(), new_score: z.number() }),
  ),
});
export type RestoredScores = z.infer<typeof restoredScoresSchema>;
