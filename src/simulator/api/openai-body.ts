import { z } from 'zod';
import type { GenerationRequest, PromptSegment } from '../generate/request.ts';
import type { JsonSchema } from '../generate/schema-value.ts';
import { countTokens, imageTokens } from '../generate/tokens.ts';

const partSchema = z.looseObject({
  type: z.string(),
  text: z.string().optional(),
  image_url: z.looseObject({ url: z.string() }).optional(),
});
const messageSchema = z.looseObject({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool', 'function']),
  content: z.union([z.string(), z.array(partSchema)]).nullish(),
  tool_calls: z.array(z.unknown()).nullish(),
});
const parametersSchema = z.record(z.string(), z.unknown());
const toolSchema = z.looseObject({
  type: z.string(),
  function: z
    .looseObject({
      name: z.string().regex(/^[\w-]{1,64}$/),
      description: z.string().nullish(),
      parameters: parametersSchema.nullish(),
    })
    .optional(),
});

/** Body of `POST /v1/chat/completions`, as far as the simulator heeds it; all else is let through. */
export const chatBodySchema = z.looseObject({
  model: z.string().min(1),
  messages: z.array(messageSchema).min(1),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  max_tokens: z.int().min(1).nullish(),
  max_completion_tokens: z.int().min(1).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  n: z.int().min(1).max(8).nullish(),
  stop: z.union([z.string(), z.array(z.string()).max(4)]).nullish(),
  tools: z.array(toolSchema).max(128).nullish(),
  tool_choice: z
    .union([
      z.enum(['none', 'auto', 'required']),
      z.looseObject({ type: z.string(), function: z.looseObject({ name: z.string() }).optional() }),
    ])
    .nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  response_format: z
    .looseObject({
      type: z.enum(['text', 'json_object', 'json_schema']),
      json_schema: z.looseObject({ name: z.string(), schema: parametersSchema.nullish() }).nullish(),
    })
    .nullish(),
});
export type ChatBody = z.infer<typeof chatBodySchema>;
type Message = z.infer<typeof messageSchema>;

function textOf(message: Message): string {
  if (typeof message.content === 'string') return message.content;
  return (message.content ?? []).map((part) => part.text ?? '').join('\n');
}

function imagesOf(message: Message): number {
  return Array.isArray(message.content) ? message.content.filter((part) => part.type === 'image_url').length : 0;
}

/** Every message ends a prefix that may be cached; OpenAI caches without being asked. */
function segmentOf(message: Message): PromptSegment {
  const calls = message.tool_calls == null ? '' : JSON.stringify(message.tool_calls);
  const text = `${message.role}\n${textOf(message)}${calls}`;
  return { text, tokens: countTokens(text) + 3 + imagesOf(message) * imageTokens, cacheBreakpoint: true };
}

function toolChoiceOf(choice: ChatBody['tool_choice']): GenerationRequest['toolChoice'] {
  if (typeof choice === 'string') return { mode: choice };
  return choice?.function === undefined ? { mode: 'auto' } : { mode: 'named', name: choice.function.name };
}

function formatOf(format: ChatBody['response_format']): GenerationRequest['format'] {
  if (format == null || format.type === 'text') return { type: 'text' };
  return { type: 'json', schema: format.json_schema?.schema ?? undefined };
}

/** What the body asks for, in the words all dialects share. */
export function readChatBody(body: ChatBody): GenerationRequest {
  const last = body.messages.at(-1);
  const lastUser = body.messages.findLast((message) => message.role === 'user');
  const tools = (body.tools ?? []).flatMap((tool) => (tool.function === undefined ? [] : [tool.function]));
  const segments = body.messages.map(segmentOf);
  if (tools.length > 0) {
    const text = JSON.stringify(tools);
    segments.unshift({ text, tokens: countTokens(text), cacheBreakpoint: true });
  }
  return {
    model: body.model,
    prompt: lastUser === undefined ? '' : textOf(lastUser),
    segments,
    images: body.messages.reduce((sum, message) => sum + imagesOf(message), 0),
    tools: tools.map(({ name, description, parameters }) => ({
      name,
      description: description ?? '',
      parameters: (parameters ?? {}) satisfies JsonSchema,
    })),
    toolChoice: toolChoiceOf(body.tool_choice),
    parallelTools: body.parallel_tool_calls ?? true,
    toolResult: last?.role === 'tool' ? textOf(last) : undefined,
    format: formatOf(body.response_format),
    maxTokens: body.max_completion_tokens ?? body.max_tokens ?? undefined,
    stop: [body.stop ?? []].flat(),
    count: body.n ?? 1,
  };
}
