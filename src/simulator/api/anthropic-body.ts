import { z } from 'zod';
import type { GenerationRequest, PromptSegment } from '../generate/request.ts';
import { countTokens, imageTokens } from '../generate/tokens.ts';

const blockSchema = z.looseObject({
  type: z.string(),
  text: z.string().optional(),
  content: z.union([z.string(), z.array(z.looseObject({ type: z.string(), text: z.string().optional() }))]).optional(),
  cache_control: z.looseObject({ type: z.string() }).nullish(),
});
const contentSchema = z.union([z.string(), z.array(blockSchema)]);
const schemaSchema = z.record(z.string(), z.unknown());
const formatSchema = z.looseObject({ type: z.literal('json_schema'), schema: schemaSchema }).nullish();

/** Body of `POST /v1/messages`, as far as the simulator heeds it; all else is let through. */
export const messagesBodySchema = z.looseObject({
  model: z.string().min(1),
  max_tokens: z.int().min(1),
  messages: z.array(z.looseObject({ role: z.enum(['user', 'assistant', 'system']), content: contentSchema })).min(1),
  system: contentSchema.nullish(),
  stream: z.boolean().nullish(),
  stop_sequences: z.array(z.string()).max(100).nullish(),
  temperature: z.number().min(0).max(1).nullish(),
  tools: z
    .array(
      z.looseObject({
        name: z.string().regex(/^[\w-]{1,128}$/),
        description: z.string().nullish(),
        input_schema: schemaSchema.optional(),
        cache_control: z.looseObject({ type: z.string() }).nullish(),
      }),
    )
    .nullish(),
  tool_choice: z
    .looseObject({
      type: z.enum(['auto', 'any', 'tool', 'none']),
      name: z.string().optional(),
      disable_parallel_tool_use: z.boolean().optional(),
    })
    .nullish(),
  cache_control: z.looseObject({ type: z.string() }).nullish(),
  output_config: z.looseObject({ format: formatSchema }).nullish(),
  output_format: formatSchema,
});
export type MessagesBody = z.infer<typeof messagesBodySchema>;

/** Body of `POST /v1/messages/count_tokens`. */
export const countTokensBodySchema = messagesBodySchema.omit({ max_tokens: true });
type ContentBlock = z.infer<typeof blockSchema>;

function blocksOf(content: z.infer<typeof contentSchema> | null | undefined): ContentBlock[] {
  return typeof content === 'string' ? [{ type: 'text', text: content }] : (content ?? []);
}

function textOf(blocks: readonly ContentBlock[]): string {
  return blocks.map((block) => block.text ?? '').join('\n');
}

/** The text of the tool results in the last message, if there are any. */
function toolResultOf(blocks: readonly ContentBlock[]): string | undefined {
  const results = blocks.filter((block) => block.type === 'tool_result');
  if (results.length === 0) return undefined;
  return results
    .map(({ content = '' }) =>
      typeof content === 'string' ? content : content.map((part) => part.text ?? '').join(' '),
    )
    .join('; ');
}

/** A part ends a cached prefix only where the request says so. */
function segmentOf(role: string, block: ContentBlock): PromptSegment {
  const isImage = block.type === 'image';
  const text = block.type === 'text' ? `${role}\n${block.text ?? ''}` : `${role}\n${JSON.stringify(block)}`;
  const tokens = isImage ? imageTokens : countTokens(text) + 3;
  return { text, tokens, cacheBreakpoint: block.cache_control != null };
}

function toolChoiceOf(choice: MessagesBody['tool_choice']): GenerationRequest['toolChoice'] {
  if (choice?.type === 'tool') return { mode: 'named', name: choice.name ?? '' };
  return { mode: choice?.type === 'any' ? 'required' : (choice?.type ?? 'auto') };
}

export function segmentsOf(
  body: Pick<MessagesBody, 'tools' | 'system' | 'messages' | 'cache_control'>,
): PromptSegment[] {
  const segments = (body.tools ?? []).map((tool) => {
    const text = JSON.stringify(tool);
    return { text, tokens: countTokens(text), cacheBreakpoint: tool.cache_control != null };
  });
  segments.push(...blocksOf(body.system).map((block) => segmentOf('system', block)));
  for (const message of body.messages) {
    segments.push(...blocksOf(message.content).map((block) => segmentOf(message.role, block)));
  }
  const last = segments.at(-1);
  if (last !== undefined && body.cache_control != null) last.cacheBreakpoint = true;
  return segments;
}

/** The user's last message with words in it; one with tool results only is not a prompt. */
function promptOf(body: MessagesBody): string {
  const asked = body.messages.findLast(
    ({ role, content }) => role === 'user' && textOf(blocksOf(content)).trim() !== '',
  );
  return textOf(blocksOf(asked?.content)).trim();
}

/** What the body asks for, in the words all dialects share. */
export function readMessagesBody(body: MessagesBody): GenerationRequest {
  const format = body.output_config?.format ?? body.output_format;
  return {
    model: body.model,
    prompt: promptOf(body),
    segments: segmentsOf(body),
    images: body.messages.flatMap(({ content }) => blocksOf(content)).filter(({ type }) => type === 'image').length,
    // Tools without a schema are the provider's own and are not called.
    tools: (body.tools ?? []).flatMap(({ name, description, input_schema }) =>
      input_schema === undefined ? [] : [{ name, description: description ?? '', parameters: input_schema }],
    ),
    toolChoice: toolChoiceOf(body.tool_choice),
    parallelTools: body.tool_choice?.disable_parallel_tool_use !== true,
    toolResult: toolResultOf(blocksOf(body.messages.at(-1)?.content)),
    format: format == null ? { type: 'text' } : { type: 'json', schema: format.schema },
    maxTokens: body.max_tokens,
    stop: body.stop_sequences ?? [],
    count: 1,
  };
}
