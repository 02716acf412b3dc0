import { z } from 'zod';
import { errorBodySchema } from '../../contracts/api.ts';
import { type Complexity, complexitySchema } from '../../contracts/query-class.ts';
import {
  restoredScoresSchema,
  type ScoreChangeBody,
  type ScoreBody,
  scoresSchema,
} from '../../contracts/scores-api.ts';
import { authorOf } from '../../platform/http/author.ts';
import type { ZodApp } from '../../platform/http/zod-app.ts';
import type { Pool } from '../../platform/postgres/pool.ts';
import { type LearnedScore, listComplexityScores } from '../../platform/store/complexity-scores.ts';
import { listCellBeliefs } from '../../platform/store/learner-cells.ts';
import { listNewestScoreUpdates, type ScoreChange } from '../../platform/store/score-updates.ts';
import { restoreScores } from '../learn/restore-scores.ts';

const modelName = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^\0]*$/, 'must not contain NUL');

const restoreSchema = z.strictObject({
  to: z
    .union([z.int().min(0), z.literal('catalogue')])
    .describe('Number of an update, after which scores were as they are wanted; or what the catalogue says.'),
  models: z.array(modelName).min(1).max(1000).optional().describe('Only of these; without it, of all.'),
});

const querySchema = z.strictObject({
  model: modelName.optional(),
  complexity: complexitySchema.optional(),
  before: z.coerce.number().int().min(1).optional().describe('Only changes before the one with this number.'),
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
          200: scoresSchema,
        },
      },
    },
    async ({ query: { model, complexity, before, limit } }) => {
      const { rows, seq } = await listComplexityScores(pool);
      const changes = await listNewestScoreUpdates(pool, { model, complexity, before }, limit);
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
          200: restoredScoresSchema,
          400: errorBodySchema,
        },
      },
    },
    async (request) => {
      const { to, models } = request.body;
      const wanted = { seq: to === 'catalogue' ? null : to, models: models ?? null };
      const changed = await restoreScores(pool, wanted, authorOf(request));
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

function scoreToJson(score: LearnedScore): ScoreBody {
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

function changeToJson(change: ScoreChange): ScoreChangeBody {
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
    n_eff: change.strength,
    reason: change.reason,
  };
}
