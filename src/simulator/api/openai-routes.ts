import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Engine } from '../engine.ts';
import { embed } from '../generate/embedding.ts';
import type { GenerationRequest } from '../generate/request.ts';
import { countTokens } from '../generate/tokens.ts';
import type { ModelProfile } from '../profile.ts';
import { type ChatBody, chatBodySchema, readChatBody } from './openai-body.ts';
import { encodeChat } from './openai-encoding.ts';
import { openAiError, parseBody, requestedFault, requireKey } from './provider-error.ts';
import { respond } from './respond.ts';
import { readResponsesBody, responsesBodySchema } from './responses-body.ts';
import { encodeResponse } from './responses-encoding.ts';

const embeddingsBodySchema = z.looseObject({
  model: z.string().min(1),
  input: z.union([
    z.string().min(1),
    z.array(z.string().min(1)).min(1).max(2048),
    z.array(z.int().min(0)).min(1).max(100_000),
    z
      .array(z.array(z.int().min(0)).min(1))
      .min(1)
      .max(2048),
  ]),
  encoding_format: z.enum(['float', 'base64']).nullish(),
  dimensions: z.int().min(1).nullish(),
});

export function unknownModel(model: string) {
  return openAiError(404, `The model \`${model}\` does not exist or you do not have access to it.`, {
    code: 'model_not_found',
  });
}

/** Local models need no key, as with Ollama; a 401 comes before anything is said about the body. */
function requireKeyFor(request: FastifyRequest, engine: Engine): void {
  const model = z.object({ model: z.string() }).safeParse(request.body).data?.model;
  const isLocal = model !== undefined && engine.findModel(model)?.dialects.includes('ollama') === true;
  if (!isLocal) requireKey(request, 'openai');
}

function findServed(engine: Engine, model: string, kind: ModelProfile['kind']): ModelProfile {
  const profile = engine.findModel(model);
  if (profile === undefined || !profile.dialects.some((dialect) => dialect !== 'anthropic')) throw unknownModel(model);
  if (profile.kind === kind) return profile;
  throw kind === 'chat'
    ? openAiError(404, 'This is not a chat model and thus not supported in the v1/chat/completions endpoint.', {
        param: 'model',
      })
    : openAiError(403, `You are not allowed to generate embeddings from this model.`, { param: 'model' });
}

function tooLong(window: number, tokens: number, param: string) {
  const message =
    `This model's maximum context length is ${window} tokens. However, your messages resulted in ${tokens} tokens. ` +
    'Please reduce the length of the messages.';
  return openAiError(400, message, { param, code: 'context_length_exceeded' });
}

function checkFormat({ response_format: format }: ChatBody): void {
  if (format?.type !== 'json_schema' || format.json_schema != null) return;
  throw openAiError(400, "Missing required parameter: 'response_format.json_schema'.", {
    param: 'response_format.json_schema',
    code: 'missing_required_parameter',
  });
}

/** Refuses what the model cannot do; `param` holds the conversation. */
function checkAbilities(profile: ModelProfile, asked: GenerationRequest, param: 'messages' | 'input'): void {
  if (asked.images > 0 && !profile.vision) {
    throw openAiError(400, 'Invalid content type. image_url is only supported by certain models.', { param });
  }
  if (asked.tools.length > 0 && !profile.tools) {
    throw openAiError(400, `Unsupported parameter: 'tools' is not supported with this model.`, {
      param: 'tools',
      code: 'unsupported_parameter',
    });
  }
  const { toolChoice } = asked;
  if (toolChoice.mode === 'named' && !asked.tools.some((tool) => tool.name === toolChoice.name)) {
    throw openAiError(400, "Invalid value for 'tool_choice': no function with this name in 'tools'.", {
      param: 'tool_choice',
    });
  }
  const tokens = asked.segments.reduce((sum, segment) => sum + segment.tokens, 0);
  if (tokens > profile.context_window) throw tooLong(profile.context_window, tokens, param);
}

/** Texts as they are; texts that come as numbers of tokens as those numbers. */
function embeddingInputs(input: z.infer<typeof embeddingsBodySchema>['input']): { text: string; tokens: number }[] {
  const items = Array.isArray(input) && typeof input[0] !== 'number' ? input : [input];
  return items.map((item) =>
    Array.isArray(item)
      ? { text: item.join(' '), tokens: item.length }
      : { text: String(item), tokens: countTokens(String(item)) },
  );
}

function encodeVector(vector: readonly number[], format: 'float' | 'base64'): number[] | string {
  return format === 'float' ? [...vector] : Buffer.from(new Float32Array(vector).buffer).toString('base64');
}

export function registerOpenAiRoutes(server: FastifyInstance, engine: Engine): void {
  server.post('/v1/chat/completions', async (request, reply) => {
    const fault = requestedFault(request, 'openai');
    requireKeyFor(request, engine);
    const body = parseBody(chatBodySchema, request.body, 'openai');
    const asked = readChatBody(body);
    checkFormat(body);
    checkAbilities(findServed(engine, body.model, 'chat'), asked, 'messages');
    const call = engine.answer(asked, fault);
    await respond(request, reply, call, {
      shape: 'openai',
      encoding: encodeChat(call, body.stream_options?.include_usage === true),
      stream: body.stream === true,
      tally: engine.stats.begin(body.model, call.promptTokens, call.cache.readTokens),
      totalTokens: call.completionTokens,
    });
  });

  server.post('/v1/responses', async (request, reply) => {
    const fault = requestedFault(request, 'openai');
    requireKeyFor(request, engine);
    const body = parseBody(responsesBodySchema, request.body, 'openai');
    const asked = readResponsesBody(body);
    checkAbilities(findServed(engine, body.model, 'chat'), asked, 'input');
    const call = engine.answer(asked, fault);
    await respond(request, reply, call, {
      shape: 'openai',
      encoding: encodeResponse(call, body),
      stream: body.stream === true,
      tally: engine.stats.begin(body.model, call.promptTokens, call.cache.readTokens),
      totalTokens: call.completionTokens,
    });
  });

  server.post('/v1/embeddings', async (request, reply) => {
    const fault = requestedFault(request, 'openai');
    requireKeyFor(request, engine);
    const body = parseBody(embeddingsBodySchema, request.body, 'openai');
    const profile = findServed(engine, body.model, 'embedding');
    const inputs = embeddingInputs(body.input);
    const longest = Math.max(...inputs.map(({ tokens }) => tokens));
    if (longest > profile.context_window) throw tooLong(profile.context_window, longest, 'input');
    const dimensions = body.dimensions ?? profile.embedding_dimensions;
    if (dimensions > profile.embedding_dimensions) {
      throw openAiError(400, `Invalid value for 'dimensions': at most ${profile.embedding_dimensions}.`, {
        param: 'dimensions',
        code: 'invalid_value',
      });
    }
    const data = inputs.map(({ text }, index) => ({
      object: 'embedding',
      index,
      embedding: encodeVector(embed(text, dimensions), body.encoding_format ?? 'float'),
    }));
    const tokens = inputs.reduce((sum, input) => sum + input.tokens, 0);
    const usage = { prompt_tokens: tokens, total_tokens: tokens };
    await respond(request, reply, engine.attempt(body.model, JSON.stringify(body.input), fault), {
      shape: 'openai',
      encoding: { body: { object: 'list', data, model: body.model, usage }, frames: () => [] },
      stream: false,
      tally: engine.stats.begin(body.model, tokens, 0),
      totalTokens: 0,
    });
  });
}
