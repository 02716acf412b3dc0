import { z } from 'zod';
import {
  errorBodySchema,
  modelKey,
  modelPatchSchema,
  modelSchema,
  modelUsageSchema,
  newModelSchema,
  performanceSchema,
} from '../../contracts/index.ts';
import { authorOf } from '../../platform/http/author.ts';
import type { ZodApp } from '../../platform/http/zod-app.ts';
import type { Pool } from '../../platform/postgres/pool.ts';
import { addMeasuredUsage, type Tally } from '../../platform/store/model-usage.ts';
import { findModel } from '../../platform/store/models.ts';
import type { Metrics } from '../../platform/telemetry/metrics.ts';
import { type Edit, modelNotFound } from '../catalogue/edit.ts';
import { modelParamsSchema } from './read-models.ts';

const usageAnswerSchema = z.object({
  model_id: z.string(),
  provider: z.string(),
  usage_count: z.int(),
  performance: performanceSchema,
});

const errors = { 400: errorBodySchema, 404: errorBodySchema };

/** The routes that change the catalogue, and the one that feeds its measurements. */
export function registerWriteRoutes(app: ZodApp, options: { pool: Pool; edit: Edit; metrics: Metrics }): void {
  const { pool, edit, metrics } = options;
  const usages = metrics.counter('signalbox_registry_usage_total');

  app.post(
    '/models',
    {
      schema: {
        tags: ['models'],
        summary: 'Add a model; what is left out comes from the catalogue’s rules',
        body: newModelSchema,
        response: { 201: modelSchema, 400: errorBodySchema, 409: errorBodySchema },
      },
    },
    async (request, reply) => reply.status(201).send(await edit.create(request.body, authorOf(request))),
  );
  app.patch(
    '/models/:id',
    {
      schema: {
        tags: ['models'],
        summary: 'Change a model; what is set stays set when the catalogue is refreshed',
        params: modelParamsSchema,
        body: modelPatchSchema,
        response: { 200: modelSchema, ...errors },
      },
    },
    (request) => edit.patch(request.params.id, request.body, authorOf(request)),
  );
  app.delete(
    '/models/:id',
    {
      schema: {
        tags: ['models'],
        summary: 'Delete a model that was added, or disable one that its provider lists',
        params: modelParamsSchema,
        response: { 204: z.null(), ...errors },
      },
    },
    async (request, reply) => {
      await edit.remove(request.params.id, authorOf(request));
      return reply.status(204).send(null);
    },
  );
  app.post(
    '/models/:id/usage',
    {
      schema: {
        tags: ['models'],
        summary: 'Report one call, as it was measured',
        params: modelParamsSchema,
        body: modelUsageSchema,
        response: { 200: usageAnswerSchema, ...errors },
      },
    },
    async ({ params, body }) => {
      const found = await findModel(pool, params.id);
      if (found === undefined) throw modelNotFound(params.id);
      await addMeasuredUsage(pool, [
        {
          provider: found.provider,
          modelId: found.model_id,
          calls: 1,
          successes: body.success ? 1 : 0,
          timeToFirstTokenMs: tallyOf(body.time_to_first_token_ms),
          completionMs: tallyOf(body.completion_ms),
          quality: tallyOf(body.quality_score),
        },
      ]);
      const model = await findModel(pool, modelKey(found));
      if (model === undefined) throw modelNotFound(params.id);
      usages.inc({
        provider: metrics.boundedLabel('provider', model.provider),
        model: metrics.boundedLabel('model', model.model_id),
        success: String(body.success),
      });
      const { model_id, provider, usage_count, performance } = model;
      return { model_id, provider, usage_count, performance };
    },
  );
}

function tallyOf(value: number | undefined): Tally {
  return value === undefined ? { sum: 0, count: 0 } : { sum: value, count: 1 };
}
