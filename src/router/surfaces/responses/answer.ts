import type { LanguageModelV3GenerateResult, LanguageModelV3Usage } from '@ai-sdk/provider';
import { type AnswerIdentity, type Body, isObject } from '../surface.ts';

export function toResponseUsage(usage: LanguageModelV3Usage): Record<string, unknown> {
  const input = usage.inputTokens.total ?? 0;
  const output = usage.outputTokens.total ?? 0;
  return {
    input_tokens: input,
    input_tokens_details: {
      cached_tokens: usage.inputTokens.cacheRead ?? 0,
      cache_write_tokens: usage.inputTokens.cacheWrite ?? 0,
    },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: usage.outputTokens.reasoning ?? 0 },
    total_tokens: input + output,
  };
}

export interface ResponseState {
  status: 'in_progress' | 'completed' | 'incomplete';
  model: string;
  output: readonly unknown[];
  usage: Record<string, unknown> | null;
  incompleteReason: 'max_output_tokens' | 'content_filter' | null;
}

/** OpenAI's response object: what was asked, repeated, and what came of it. */
export function responseObject(body: Body, identity: AnswerIdentity, state: ResponseState): Record<string, unknown> {
  const asked = (name: string, fallback: unknown): unknown => body[name] ?? fallback;
  const reasoning = isObject(body['reasoning']) ? body['reasoning'] : {};
  const text = isObject(body['text']) ? body['text'] : {};
  return {
    id: `resp_${identity.id.replaceAll('-', '')}`,
    object: 'response',
    created_at: identity.createdAt,
    status: state.status,
    background: false,
    error: null,
    incomplete_details: state.incompleteReason === null ? null : { reason: state.incompleteReason },
    instructions: asked('instructions', null),
    max_output_tokens: asked('max_output_tokens', null),
    model: state.model,
    output: state.output,
    parallel_tool_calls: asked('parallel_tool_calls', true),
    previous_response_id: null,
    reasoning: { effort: reasoning['effort'] ?? null, summary: null },
    // Nothing of an answer is kept here.
    store: false,
    temperature: asked('temperature', 1),
    text: { format: text['format'] ?? { type: 'text' } },
    tool_choice: asked('tool_choice', 'auto'),
    tools: toolsOf(body),
    top_p: asked('top_p', 1),
    truncation: asked('truncation', 'disabled'),
    ...(state.usage === null ? {} : { usage: state.usage }),
    metadata: asked('metadata', {}),
  };
}

/** The tools as they were asked for, with what OpenAI fills in. */
function toolsOf({ tools }: Body): unknown[] {
  if (!Array.isArray(tools)) return [];
  return tools.map((tool: unknown) => ({ parameters: null, strict: false, ...(isObject(tool) ? tool : {}) }));
}

export type OutputItem = Record<string, unknown> & { id: string };

/** Items are numbered within their answer. */
const itemId = (prefix: string, identity: AnswerIdentity, index: number): string =>
  `${prefix}_${identity.id.replaceAll('-', '')}${index.toString().padStart(4, '0')}`;

export function messageItem(identity: AnswerIdentity, index: number, status: string, text: string | null): OutputItem {
  return {
    id: itemId('msg', identity, index),
    type: 'message',
    status,
    role: 'assistant',
    content: text === null ? [] : [textPart(text)],
  };
}

export function textPart(text: string): Record<string, unknown> {
  return { type: 'output_text', text, annotations: [], logprobs: [] };
}

export function reasoningItem(identity: AnswerIdentity, index: number, text: string | null): OutputItem {
  return {
    id: itemId('rs', identity, index),
    type: 'reasoning',
    summary: text === null ? [] : [{ type: 'summary_text', text }],
  };
}

export function callItem(
  identity: AnswerIdentity,
  index: number,
  call: { id: string; name: string; arguments: string; status: string },
): OutputItem {
  const { id, name, status } = call;
  return {
    id: itemId('fc', identity, index),
    type: 'function_call',
    status,
    call_id: id,
    name,
    arguments: call.arguments,
  };
}

/** How a response ends by the reason for which the model stopped. */
export function endOf(unified: string): Pick<ResponseState, 'status' | 'incompleteReason'> {
  if (unified === 'length') return { status: 'incomplete', incompleteReason: 'max_output_tokens' };
  if (unified === 'content-filter') return { status: 'incomplete', incompleteReason: 'content_filter' };
  return { status: 'completed', incompleteReason: null };
}

/** The AI SDK's result as OpenAI's response. */
export function toResponse(
  result: LanguageModelV3GenerateResult,
  identity: AnswerIdentity,
  body: Body,
): Record<string, unknown> {
  const output: OutputItem[] = [];
  let text = '';
  const flushText = (): void => {
    if (text !== '') output.push(messageItem(identity, output.length, 'completed', text));
    text = '';
  };
  for (const part of result.content) {
    if (part.type === 'text') {
      text += part.text;
      continue;
    }
    flushText();
    if (part.type === 'reasoning') output.push(reasoningItem(identity, output.length, part.text));
    else if (part.type === 'tool-call') {
      const call = { id: part.toolCallId, name: part.toolName, arguments: part.input, status: 'completed' };
      output.push(callItem(identity, output.length, call));
    }
  }
  flushText();
  return responseObject(body, identity, {
    ...endOf(result.finishReason.unified),
    model: result.response?.modelId ?? identity.model,
    output,
    usage: toResponseUsage(result.usage),
  });
}
