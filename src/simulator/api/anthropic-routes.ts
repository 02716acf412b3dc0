import type { FastifyInstance } from 'fastify';
import type { Engine } from '../engine.ts';
import type { GenerationRequest } from '../generate/request.ts';
import type { ModelProfile } from '../profile.ts';
import { messagesBodySchema, readMessagesBody } from './anthropic-body.ts';
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

export function registerAnthropicRoutes(server: FastifyInstance, engine: Engine): void {
  server.post('/v1/messages', async (request, reply) => {
    const fault = requestedFault(request, 'anthropic');
    requireKey(request, 'anthropic');
    if (request.headers['anthropic-version'] === undefined) {
      throw anthropicError(400, 'anthropic-version: header is required');
    }
    const body = parseBody(messagesBodySchema, request.body, 'anthropic');
    const profile = engine.findModel(body.model);
    if (profile?.kind !== 'chat' || !profile.dialects.includes('anthropic')) {
      throw anthropicError(404, `model: ${body.model}`);
    }
    const asked = readMessagesBody(body);
    checkAbilities(profile, asked);
    const call = engine.answer(asked, fault);
    await respond(request, reply, call, {
      shape: 'anthropic',
      encoding: encodeMessage(call),
      stream: body.stream === true,
      tally: engine.stats.begin(body.model, call.promptTokens, call.cache.readTokens),
      totalTokens: call.completionTokens,
    });
  });
}
