import { z } from 'zod';
import type { GenerationRequest, PromptSegment } from '../generate/request.ts';
import { countTokens, imageTokens } from '../generate/tokens.ts';

const partSchema = z.looseObject({ type: z.string(), text: z.string().optional() });
const schemaSchema = z.record(z.string(), z.unknown());
const itemSchema = z.looseObject({
  type: z.string().optional(),
  role: z.enum(['system', 'developer', 'user', 'assistant']).optional(),
  content: z.union([z.string(), z.array(partSchema)]).nullish(),
  output: z.union([z.string(), z.array(partSchema)]).nullish(),
});

/** Body of `POST /v1/responses`, as far as the simulator heeds it; all else is let through. */
export const responsesBodySchema = z.looseObject({
  model: z.string().min(1),
  input: z.union([z.string(), z.array(itemSchema).min(1)]),
  instructions: z.string().nullish(),
  stream: z.boolean().nullish(),
  max_output_tokens: z.int().min(16).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  tools: z
    .array(
      z.looseObject({
        type: z.string(),
        name: z
          .string()
          .regex(/^[\w-]{1,64}$/)
          .optional(),
        description: z.string().nullish(),
        parameters: schemaSchema.nullish(),
      }),
    )
    .max(128)
    .nullish(),
  tool_choice: z
    .union([z.enum(['none', 'auto', 'required']), z.looseObject({ type: z.string(), name: z.string().optional() })])
    .nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  text: z
    .looseObject({
      format: z
        .looseObject({ type: z.enum(['text', 'json_object', 'json_schema']), schema: schemaSchema.nullish() })
        .nullish(),
    })
    .nullish(),
});
export type ResponsesBody = z.infer<typeof responsesBodySchema>;
type Item = z.infer<typeof itemSchema>;

function itemsOf({ instructions, input }: ResponsesBody): Item[] {
  const items: Item[] = typeof input === 'string' ? [{ role: 'user', content: input }] : input;
  return instructions == null ? items : [{ role: 'developer', content: instructions }, ...items];
}

function textOf(content: Item['content']): string {
  return typeof content === 'string' ? content : (content ?? []).map((part) => part.text ?? '').join('\n');
}

function imagesOf({ content }: Item): number {
  return Array.isArray(content) ? content.filter((part) => part.type === 'input_image').length : 0;
}

/** Every item ends a prefix that may be cached, as in chat completions. */
function segmentOf(item: Item): PromptSegment {
  const isMessage = (item.type ?? 'message') === 'message';
  const text = isMessage ? `${item.role ?? ''}\n${textOf(item.content)}` : JSON.stringify(item);
  return { text, tokens: countTokens(text) + 3 + imagesOf(item) * imageTokens, cacheBreakpoint: true };
}

function toolChoiceOf(choice: ResponsesBody['tool_choice']): GenerationRequest['toolChoice'] {
  if (typeof choice === 'string') return { mode: choice };
  return choice?.name === undefined ? { mode: 'auto' } : { mode: 'named', name: choice.name };
}

function formatOf(text: ResponsesBody['text']): GenerationRequest['format'] {
  const format = text?.format;
  if (format == null || format.type === 'text') return { type: 'text' };
  return { type: 'json', schema: format.schema ?? undefined };
}

/** The results of the tools that the input ends with. */
function toolResultOf(items: readonly Item[]): string | undefined {
  const end = items.slice(items.findLastIndex((item) => item.type !== 'function_call_output') + 1);
  return end.length === 0 ? undefined : end.map((item) => textOf(item.output)).join('; ');
}

/** What the body asks for, in the words all dialects share. */
export function readResponsesBody(body: ResponsesBody): GenerationRequest {
  const items = itemsOf(body);
  // Tools without a name are the provider's own and are not called.
  const tools = (body.tools ?? []).flatMap(({ name, description, parameters }) =>
    name === undefined ? [] : [{ name, description: description ?? '', parameters: parameters ?? {} }],
  );
  const segments = items.map(segmentOf);
  if (tools.length > 0) {
    const text = JSON.stringify(tools);
    segments.unshift({ text, tokens: countTokens(text), cacheBreakpoint: true });
  }
  return {
    model: body.model,
    prompt: textOf(items.findLast((item) => item.role === 'user')?.content),
    segments,
    images: items.reduce((sum, item) => sum + imagesOf(item), 0),
    tools,
    toolChoice: toolChoiceOf(body.tool_choice),
    parallelTools: body.parallel_tool_calls ?? true,
    toolResult: toolResultOf(items),
    format: formatOf(body.text),
    maxTokens: body.max_output_tokens ?? undefined,
    stop: [],
    count: 1,
  };
}
