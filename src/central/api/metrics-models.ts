import { z } from 'zod';
import type { ZodApp } from '../../platform/http/zod-app.ts';
import type { Pool } from '../../platform/postgres/pool.ts';
import { cellKey, latencyOfLastHours } from '../../platform/store/latency-sketches.ts';
import { listModelMetrics, type ModelMetrics } from '../../platform/store/model-routing-metrics.ts';
import type { QuantileSketch } from '../../statistics/quantile-sketch.ts';

const rowSchema = z.object({
  model: z.string(),
  complexity: z.string(),
  routed_count: z.int().describe('Attempts that were begun.'),
  usage_count: z.int().describe('Attempts that ended, cancelled ones left out.'),
  success_count: z.int(),
  failure_count: z.int(),
  timeout_count: z.int(),
  cancelled_count: z.int(),
  success_rate: z.number().nullable().describe('success_count / usage_count'),
  feedback_count: z.int(),
  feedback_mean: z.number().nullable(),
  avg_response_time_ms: z.number().nullable().describe('Over all successes.'),
  p50_ms: z.number().nullable().describe('Over the successes of the last `hours`, within 1%.'),
  p95_ms: z.number().nullable(),
  p99_ms: z.number().nullable(),
  input_tokens: z.int(),
  output_tokens: z.int(),
  cost_usd: z.number(),
  score: z.number().nullable().describe('The score that counts: the learned one, else the catalogue’s.'),
  learned: z.boolean(),
  catalogue_score: z.number().nullable(),
  updated_at: z.iso.datetime(),
});

export function registerModelMetrics(app: ZodApp, pool: Pool): void {
  app.get(
    '/metrics/models',
    {
      schema: {
        tags: ['metrics'],
        summary: 'What was measured of each model at each complexity',
        querystring: z.strictObject({
          hours: z.coerce.number().int().min(1).max(8760).default(24),
          limit: z.coerce.number().int().min(1).max(5000).default(5000),
        }),
        response: {
          200: z.object({
            hours: z.int(),
            models: z.array(rowSchema),
            has_more: z
              .boolean()
              .describe('Whether there are more than `limit`, of which these are the first by name.'),
          }),
        },
      },
    },
    async ({ query: { hours, limit } }) => {
      const metrics = await listModelMetrics(pool, limit + 1);
      const latencies = await latencyOfLastHours(pool, hours);
      const shown = metrics.slice(0, limit);
      return {
        hours,
        models: shown.map((row) => toJson(row, latencies.get(cellKey(row.model, row.complexity)))),
        has_more: metrics.length > limit,
      };
    },
  );
}

function toJson(row: ModelMetrics, latency: QuantileSketch | undefined): z.infer<typeof rowSchema> {
  return {
    model: row.model,
    complexity: row.complexity,
    routed_count: row.routedCount,
    usage_count: row.usageCount,
    success_count: row.successCount,
    failure_count: row.failureCount,
    timeout_count: row.timeoutCount,
    cancelled_count: row.cancelledCount,
    success_rate: row.usageCount === 0 ? null : row.successCount / row.usageCount,
    feedback_count: row.feedbackCount,
    feedback_mean: row.feedbackMean,
    avg_response_time_ms: row.avgResponseTimeMs,
    p50_ms: latency?.quantile(0.5) ?? null,
    p95_ms: latency?.quantile(0.95) ?? null,
    p99_ms: latency?.quantile(0.99) ?? null,
    input_tokens: row.inputTokens,
    output_tokens: row.outputTokens,
    cost_usd: row.costUsd,
    score: row.score ?? row.catalogueScore,
    learned: row.score !== null,
    catalogue_score: row.catalogueScore,
    updated_at: row.updatedAt.toISOString(),
  };
}
