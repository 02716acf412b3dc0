import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Engine } from '../engine.ts';
import type { GenerationRequest } from '../generate/request.ts';
import type { ModelProfile } from '../profile.ts';
import { countTokensBodySchema, messagesBodySchema, readMessagesBody, segmentsOf } from './anthropic-body.ts';
import { encodeMessage } from './anthropic-encoding.ts';
import { anthropicError, parseBody, requestedFault, requireKey } from './provider-error.ts';
import { respond } from './respond.ts';

function checkAbilities(profile: ModelProfile, asked: GenerationRequest): void {
  if (asked.images > 0 && !profile.vision) throw anthropicError(400, 'This model does not support image content.');
  if (asked.tools.length > 0 && !profile.tools) throw anthropicError(400, 'This model does not support tools.');
  const { toolChoice, maxTokens = 0 } = asked;
  if (toolChoice.mode === 'named' && !asked.tools.some((tool) => tool.name === toolChoice.name)) {
    throw anthropicError(400, `Tool '${toolChoice.name}' not found in provided tools`);
  }
  if (maxTokens > profile.max_output_tokens) {
    const message =
      `max_tokens: ${maxTokens} > ${profile.max_output_tokens}, which is the maximum allowed number of output tokens ` +
      `for ${profile.id}`;
    throw anthropicError(400, message);
  }
  const tokens = asked.segments.reduce((sum, segment) => sum + segment.tokens, 0);
  if (tokens > profile.context_window) {
    throw anthropicError(400, `prompt is too long: ${tokens} tokens > ${profile.context_window} maximum`);
  }
}

function requireVersion(request: FastifyRequest): void {
  if (request.headers['anthropic-version'] !== undefined) return;
  throw anthropicError(400, 'anthropic-version: header is required');
}

function findServed(engine: Engine, model: string): ModelProfile {
  const profile = engine.findModel(model);
  if (profile?.kind === 'chat' && profile.dialects.includes('anthropic')) return profile;
  throw anthropicError(404, `model: ${model}`);
}

export function registerAnthropicRoutes(server: FastifyInstance, engine: Engine): void {
  server.post('/v1/messages', async (request, reply) => {
    const fault = requestedFault(request, 'anthropic');
    requireKey(request, 'anthropic');
    requireVersion(request);
    const body = parseBody(messagesBodySchema, request.body, 'anthropic');
    const asked = readMessagesBody(body);
    checkAbilities(findServed(engine, body.model), asked);
    const call = engine.answer(asked, fault);
    await respond(request, reply, call, {
      shape: 'anthropic',
      encoding: encodeMessage(call),
      stream: body.stream === true,
      tally: engine.stats.begin(body.model, call.promptTokens, call.cache.readTokens),
      totalTokens: call.completionTokens,
    });
  });
  server.post('/v1/messages/count_tokens', async (request) => {
    requireKey(request, 'anthropic');
    requireVersion(request);
    const body = parseBody(countTokensBodySchema, request.body, 'anthropic');
    findServed(engine, body.model);
    return { input_tokens: segmentsOf(body).reduce((sum, segment) => sum + segment.tokens, 0) };
  });
}
