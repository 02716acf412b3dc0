import { z } from 'zod';
import {
  capabilitySchema,
  errorBodySchema,
  modelSchema,
  modelStatusSchema,
  providerHealthSchema,
  providerNameSchema,
} from '../../contracts/index.ts';
import type { ZodApp } from '../../platform/http/zod-app.ts';
import type { Pool } from '../../platform/postgres/pool.ts';
import { findModel, listModels, type ModelFilter } from '../../platform/store/models.ts';
import { listProviderHealth } from '../../platform/store/provider-health.ts';
import { modelNotFound } from '../catalogue/edit.ts';

const modelListSchema = z.object({ models: z.array(modelSchema), count: z.int() });

/** `provider/model_id`, with the slash as %2F, or a `model_id` alone. */
export const modelParamsSchema = z.object({
  id: z
    .string()
    .min(1)
    .max(265)
    .regex(/^[\w.:@/+-]+$/, 'letters, digits and . _ : @ / + - only'),
});

const filterSchema = z.object({
  provider: providerNameSchema.optional(),
  capability: capabilitySchema.optional(),
  status: modelStatusSchema.optional(),
  listed: z.enum(['true', 'false', 'all']).default('true').describe('Whether the provider offers it at present.'),
});

/** The routes that read the catalogue. */
export function registerReadRoutes(app: ZodApp, pool: Pool): void {
  async function answer(filter: ModelFilter): Promise<z.input<typeof modelListSchema>> {
    const models = await listModels(pool, filter);
    return { models, count: models.length };
  }

  const list = (summary: string) => ({
    tags: ['models'],
    summary,
    response: { 200: modelListSchema, 400: errorBodySchema },
  });

  app.get('/models', { schema: { ...list('All models'), querystring: filterSchema } }, ({ query }) =>
    answer({ ...query, listed: query.listed === 'all' ? undefined : query.listed === 'true' }),
  );
  app.get('/models/stable', { schema: list('Stable models') }, () => answer({ status: 'stable', listed: true }));
  app.get('/models/refiners', { schema: list('Fast and cheap models, for refinements') }, () =>
    answer({ refiner: true, listed: true }),
  );
  app.get(
    '/models/capability/:capability',
    { schema: { ...list('Models that can do something'), params: z.object({ capability: capabilitySchema }) } },
    ({ params }) => answer({ capability: params.capability, listed: true }),
  );
  app.get(
    '/models/provider/:provider',
    { schema: { ...list('Models of a provider'), params: z.object({ provider: providerNameSchema }) } },
    ({ params }) => answer({ provider: params.provider, listed: true }),
  );
  app.get(
    '/models/:id',
    {
      schema: {
        tags: ['models'],
        summary: 'One model, by model_id or by provider/model_id (with the slash as %2F)',
        params: modelParamsSchema,
        response: { 200: modelSchema, 400: errorBodySchema, 404: errorBodySchema },
      },
    },
    async ({ params }) => {
      const model = await findModel(pool, params.id);
      if (model === undefined) throw modelNotFound(params.id);
      return model;
    },
  );
  app.get(
    '/providers',
    {
      schema: {
        tags: ['providers'],
        summary: 'The configured providers and their health',
        response: { 200: z.object({ providers: z.array(providerHealthSchema), count: z.int() }) },
      },
    },
    async () => {
      const providers = await listProviderHealth(pool);
      return { providers, count: providers.length };
    },
  );
}
