import { createHash } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Engine } from '../engine.ts';
import type { Fault } from '../faults.ts';
import type { Dialect, ModelProfile } from '../profile.ts';
import { unknownModel } from './openai-routes.ts';
import { anthropicError, faultError, parseBody, requestedFault, requireKey, type Shape } from './provider-error.ts';
import { sendGatewayPage } from './respond.ts';

/** When every simulated model was made, as far as the lists tell. */
const createdAt = new Date('2026-01-15T00:00:00Z');

const pageSchema = z.object({
  limit: z.coerce.number().int().min(1).max(1000).default(20),
  after_id: z.string().optional(),
});

function openAiModel(profile: ModelProfile): object {
  return { id: profile.id, object: 'model', created: createdAt.getTime() / 1000, owned_by: 'simulator' };
}

function anthropicModel(profile: ModelProfile): object {
  const display_name = profile.display_name ?? profile.id;
  return { type: 'model', id: profile.id, display_name, created_at: createdAt.toISOString() };
}

function anthropicPage(models: readonly ModelProfile[], query: unknown): object {
  const { limit, after_id } = parseBody(pageSchema, query, 'anthropic');
  const from = after_id === undefined ? 0 : models.findIndex((profile) => profile.id === after_id) + 1;
  const page = models.slice(from, from + limit);
  return {
    data: page.map(anthropicModel),
    has_more: from + limit < models.length,
    first_id: page[0]?.id ?? null,
    last_id: page.at(-1)?.id ?? null,
  };
}

function ollamaModel(profile: ModelProfile): object {
  const [family = profile.id, parameter_size = ''] = profile.id.split(':');
  return {
    name: profile.id,
    model: profile.id,
    modified_at: createdAt.toISOString(),
    size: 2_019_393_189,
    digest: createHash('sha256').update(profile.id).digest('hex'),
    details: {
      parent_model: '',
      format: 'gguf',
      family,
      families: [family],
      parameter_size,
      quantization_level: 'Q4_K_M',
    },
  };
}

/** The lists fail by header, by a rule for the lists, or while all models of the dialect are out. */
async function failList(
  request: FastifyRequest,
  reply: FastifyReply,
  engine: Engine,
  dialect: Dialect,
): Promise<boolean> {
  const shape: Shape = dialect === 'anthropic' ? 'anthropic' : 'openai';
  const out: Fault | undefined = engine.isOut(dialect)
    ? { kind: 'http', status: 503, retryAfterSeconds: undefined }
    : undefined;
  const fault = requestedFault(request, shape) ?? engine.faults.take('models', undefined) ?? out;
  if (fault?.kind === 'http') throw faultError(shape, fault);
  if (fault?.kind === 'html') {
    await sendGatewayPage(reply);
    return true;
  }
  // A list has no tokens, so whatever else is asked for breaks the connection.
  if (fault === undefined || fault.kind === 'slow') return false;
  reply.hijack();
  request.raw.socket.destroy();
  return true;
}

export function registerModelRoutes(server: FastifyInstance, engine: Engine): void {
  function shapeOf(request: FastifyRequest): Shape {
    return request.headers['anthropic-version'] === undefined ? 'openai' : 'anthropic';
  }

  server.get('/v1/models', async (request, reply) => {
    const shape = shapeOf(request);
    requireKey(request, shape);
    if (await failList(request, reply, engine, shape)) return reply;
    const models = engine.listModels(shape);
    return shape === 'anthropic'
      ? anthropicPage(models, request.query)
      : { object: 'list', data: models.map(openAiModel) };
  });

  server.get<{ Params: { '*': string } }>('/v1/models/*', async (request) => {
    const shape = shapeOf(request);
    requireKey(request, shape);
    const id = request.params['*'];
    const profile = engine.listModels(shape).find((each) => each.id === id);
    if (profile === undefined) throw shape === 'anthropic' ? anthropicError(404, `model: ${id}`) : unknownModel(id);
    return shape === 'anthropic' ? anthropicModel(profile) : openAiModel(profile);
  });

  server.get('/api/tags', async (request, reply) => {
    if (await failList(request, reply, engine, 'ollama')) return reply;
    return { models: engine.listModels('ollama').map(ollamaModel) };
  });
}
