import { z } from 'zod';
import { complexitySchema } from '../../contracts/query-class.ts';
import type { ZodApp } from '../../platform/http/zod-app.ts';
import type { Pool } from '../../platform/postgres/pool.ts';
import { type LearnedScore, listComplexityScores } from '../../platform/store/complexity-scores.ts';
import { listNewestScoreUpdates, type ScoreChange } from '../../platform/store/score-updates.ts';

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
  reason: z.string(),
});

const querySchema = z.strictObject({
  model: z
    .string()
    .min(1)
    .max(200)
    .regex(/^[^\0]*$/, 'must not contain NUL')
    .optional(),
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
            history: z.array(changeSchema).describe('The newest first.'),
          }),
        },
      },
    },
    async ({ query: { model, complexity, limit } }) => {
      const { rows, seq } = await listComplexityScores(pool);
      const changes = await listNewestScoreUpdates(pool, { model, complexity }, limit);
      const matching = rows.filter(
        (row) => (model ?? row.model) === row.model && (complexity ?? row.complexity) === row.complexity,
      );
      return { seq, scores: matching.map(scoreToJson), history: changes.map(changeToJson) };
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
    reason: change.reason,
  };
}
