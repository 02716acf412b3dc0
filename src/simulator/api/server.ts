import { fastify, type FastifyInstance, type FastifyRequest } from 'fastify';
import { messageOf } from '../../platform/core/errors.ts';
import type { Logger } from '../../platform/telemetry/logger.ts';
import type { Engine } from '../engine.ts';
import { registerAnthropicRoutes } from './anthropic-routes.ts';
import { registerControlRoutes } from './control-routes.ts';
import { registerModelRoutes } from './model-routes.ts';
import { registerOpenAiRoutes } from './openai-routes.ts';
import { openAiError, ProviderError, providerError, type Shape } from './provider-error.ts';

/** Anthropic's limit for a request. */
const bodyLimitBytes = 32 * 1024 * 1024;

function shapeOf(request: FastifyRequest): Shape {
  const speaksAnthropic = request.url.startsWith('/v1/messages') || request.headers['anthropic-version'] !== undefined;
  return speaksAnthropic ? 'anthropic' : 'openai';
}

/** What Fastify itself refuses, in the provider's words. */
function asProviderError(error: unknown, request: FastifyRequest): ProviderError {
  if (error instanceof ProviderError) return error;
  const shape = shapeOf(request);
  const status = (error as { statusCode?: unknown }).statusCode;
  if (status === 413) return providerError(shape, 413, 'Request exceeds the maximum size');
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return providerError(shape, status, 'We could not parse the JSON body of your request.');
  }
  return providerError(shape, 500, 'The simulator failed.', { type: 'server_error' });
}

/** The simulator's HTTP surface; closing it closes every connection at once. */
export function createApi(engine: Engine, log: Logger): FastifyInstance {
  const server = fastify({
    bodyLimit: bodyLimitBytes,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 300 },
  });

  server.setErrorHandler(async (error, request, reply) => {
    const shown = asProviderError(error, request);
    if (!(error instanceof ProviderError) && shown.status >= 500) log.error({ reason: messageOf(error) }, 'failed');
    return reply.code(shown.status).headers(shown.headers).send(shown.body);
  });
  server.setNotFoundHandler(async (request) => {
    const path = request.url.split('?')[0] ?? '';
    if (shapeOf(request) === 'anthropic') throw providerError('anthropic', 404, 'Not Found');
    throw openAiError(404, `Invalid URL (${request.method} ${path})`);
  });

  registerOpenAiRoutes(server, engine);
  registerAnthropicRoutes(server, engine);
  registerModelRoutes(server, engine);
  registerControlRoutes(server, engine);
  return server;
}
