import { z } from 'zod';
import { errorBodySchema } from '../../contracts/api.ts';
import { type Complexity, complexitySchema } from '../../contracts/query-class.ts';
import type { ZodApp } from '../../platform/http/zod-app.ts';
import type { Pool } from '../../platform/postgres/pool.ts';
import { type LearnedScore, listComplexityScores } from '../../platform/store/complexity-scores.ts';
import { listCellBeliefs } from '../../platform/store/learner-cells.ts';
import { listNewestScoreUpdates, type ScoreChange } from '../../platform/store/score-updates.ts';
import { restoreScores } from '../learn/restore-scores.ts';

const interval = z.tuple([z.number(), z.number()]).nullable().describe('What is believed with 90%, as scores.');
const modelName = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^\0]*$/, 'must not contain NUL');

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
  reason: z.string(),
});

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

const restoreSchema = z.strictObject({
  to: z
    .union([z.int().min(0), z.literal('catalogue')])
    .describe('Number of an update, after which scores were as they are wanted; or what the catalogue says.'),
  models: z.array(modelName).min(1).max(1000).optional().describe('Only of these; without it, of all.'),
});

const querySchema = z.strictObject({
  model: modelName.optional(),
  complexity: complexitySchema.optional(),
  limit: z.coerce.number().int().min(1).max(500).default(50).describe('Changes in `history`.'),
});

export function registerScores(app: ZodApp, pool: Pool): void {
  app.get(
    '/scores',
    {
      schema: {
        tags: ['scores'],
        summary: 'Learned scores, and how they came about',
        querystring: querySchema,
        response: {
          200: z.object({
            seq: z.int().describe('Number of the newest update.'),
            scores: z.array(scoreSchema),
            beliefs: z
              .array(beliefSchema)
              .describe('What is believed of each cell now; scores follow when it is sure.'),
            history: z.array(changeSchema).describe('The newest first.'),
          }),
        },
      },
    },
    async ({ query: { model, complexity, limit } }) => {
      const { rows, seq } = await listComplexityScores(pool);
      const changes = await listNewestScoreUpdates(pool, { model, complexity }, limit);
      const beliefs = await listCellBeliefs(pool);
      const matches = (row: { model: string; complexity: Complexity }): boolean =>
        (model ?? row.model) === row.model && (complexity ?? row.complexity) === row.complexity;
      return {
        seq,
        scores: rows.filter(matches).map(scoreToJson),
        beliefs: beliefs.filter(matches).map(({ successRate, strength, ...rest }) => ({
          ...rest,
          success_rate: successRate,
          n_eff: strength,
        })),
        history: changes.map(changeToJson),
      };
    },
  );
  app.post(
    '/scores/restore',
    {
      schema: {
        tags: ['scores'],
        summary: 'Put scores back to what they were, and learn on from there',
        body: restoreSchema,
        response: {
          200: z.object({
            changed: z.array(
              z.object({
                model: z.string(),
                complexity: complexitySchema,
                old_score: z.number(),
                new_score: z.number(),
              }),
            ),
          }),
          400: errorBodySchema,
        },
      },
    },
    async ({ body: { to, models } }) => {
      const changed = await restoreScores(pool, { seq: to === 'catalogue' ? null : to, models: models ?? null });
      return {
        changed: changed.map(({ model, complexity, oldScore, newScore }) => ({
          model,
          complexity,
          old_score: oldScore,
          new_score: newScore,
        })),
      };
    },
  );
}

function scoreToJson(score: LearnedScore): z.infer<typeof scoreSchema> {
  return {
    model: score.model,
    complexity: score.complexity,
    score: score.score,
    catalogue_score: score.priorScore,
    seq: score.seq,
    sample_size: score.sampleSize,
    success_rate: score.successRate,
    avg_response_time_ms: score.avgResponseTimeMs,
    p95_ms: score.p95Ms,
    interval: score.interval,
    reason: score.reason,
    updated_at: score.updatedAt.toISOString(),
  };
}

function changeToJson(change: ScoreChange): z.infer<typeof changeSchema> {
  return {
    seq: change.seq,
    timestamp: change.timestamp.toISOString(),
    model: change.model,
    complexity: change.complexity,
    old_score: change.oldScore,
    new_score: change.newScore,
    sample_size: change.sampleSize,
    p95_ms: change.p95Ms,
    interval: change.interval,
    reason: change.reason,
  };
}
