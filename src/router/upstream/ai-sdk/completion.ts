import type {
  LanguageModelV3FinishReason,
  LanguageModelV3GenerateResult,
  LanguageModelV3StreamPart,
  LanguageModelV3Usage,
} from '@ai-sdk/provider';

/** What is the same in every chunk of an answer. */
export interface CompletionIdentity {
  id: string;
  /** Seconds since the epoch. */
  created: number;
  model: string;
}

const finishReasons: Readonly<Record<LanguageModelV3FinishReason['unified'], string>> = {
  stop: 'stop',
  length: 'length',
  'content-filter': 'content_filter',
  'tool-calls': 'tool_calls',
  error: 'stop',
  other: 'stop',
};

function toUsage(usage: LanguageModelV3Usage): Record<string, unknown> {
  const input = usage.inputTokens.total ?? 0;
  const output = usage.outputTokens.total ?? 0;
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    prompt_tokens_details: { cached_tokens: usage.inputTokens.cacheRead ?? 0 },
    completion_tokens_details: { reasoning_tokens: usage.outputTokens.reasoning ?? 0 },
  };
}

/** The AI SDK's result as OpenAI's chat completion. */
export function toCompletion(
  result: LanguageModelV3GenerateResult,
  identity: CompletionIdentity,
): Record<string, unknown> {
  let text = '';
  let reasoning = '';
  const toolCalls: unknown[] = [];
  for (const part of result.content) {
    if (part.type === 'text') text += part.text;
    else if (part.type === 'reasoning') reasoning += part.text;
    else if (part.type === 'tool-call') {
      toolCalls.push({
        id: part.toolCallId,
        type: 'function',
        function: { name: part.toolName, arguments: part.input },
      });
    }
  }
  return {
    id: identity.id,
    object: 'chat.completion',
    created: identity.created,
    model: result.response?.modelId ?? identity.model,
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: text === '' && toolCalls.length > 0 ? null : text,
          refusal: null,
          ...(reasoning === '' ? {} : { reasoning_content: reasoning }),
          ...(toolCalls.length > 0 ? { tool_calls: toolCalls } : {}),
        },
        finish_reason: finishReasons[result.finishReason.unified],
        logprobs: null,
      },
    ],
    usage: toUsage(result.usage),
  };
}

/** The AI SDK's stream as OpenAI's server-sent events, `[DONE]` included. Throws what the stream reports as an error. */
export async function* toCompletionEvents(
  parts: AsyncIterable<LanguageModelV3StreamPart>,
  identity: CompletionIdentity,
  includeUsage: boolean,
): AsyncGenerator<Uint8Array> {
  let { model } = identity;
  const toolIndexes = new Map<string, number>();

  const event = (choices: unknown[], more: Record<string, unknown> = {}): Uint8Array =>
    encode({ id: identity.id, object: 'chat.completion.chunk', created: identity.created, model, choices, ...more });
  const chunk = (delta: Record<string, unknown>, finishReason: string | null = null): Uint8Array =>
    event([{ index: 0, delta, logprobs: null, finish_reason: finishReason }], includeUsage ? { usage: null } : {});
  const toolDelta = (index: number, call: Record<string, unknown>): Uint8Array =>
    chunk({ tool_calls: [{ index, ...call }] });

  let roleSent = false;
  for await (const part of parts) {
    if (part.type === 'response-metadata' && part.modelId !== undefined) model = part.modelId;
    if (!roleSent && part.type !== 'stream-start' && part.type !== 'response-metadata' && part.type !== 'error') {
      roleSent = true;
      yield chunk({ role: 'assistant', content: '' });
    }
    switch (part.type) {
      case 'text-delta':
        if (part.delta !== '') yield chunk({ content: part.delta });
        break;
      case 'reasoning-delta':
        if (part.delta !== '') yield chunk({ reasoning_content: part.delta });
        break;
      case 'tool-input-start': {
        const index = toolIndexes.size;
        toolIndexes.set(part.id, index);
        yield toolDelta(index, { id: part.id, type: 'function', function: { name: part.toolName, arguments: '' } });
        break;
      }
      case 'tool-input-delta': {
        const index = toolIndexes.get(part.id);
        if (index !== undefined && part.delta !== '') yield toolDelta(index, { function: { arguments: part.delta } });
        break;
      }
      case 'tool-call':
        // Only calls that did not come in pieces before.
        if (!toolIndexes.has(part.toolCallId)) {
          const index = toolIndexes.size;
          toolIndexes.set(part.toolCallId, index);
          const call = { name: part.toolName, arguments: part.input };
          yield toolDelta(index, { id: part.toolCallId, type: 'function', function: call });
        }
        break;
      case 'finish':
        yield chunk({}, finishReasons[part.finishReason.unified]);
        if (includeUsage) yield event([], { usage: toUsage(part.usage) });
        yield done;
        break;
      case 'error':
        throw part.error;
      default:
        break;
    }
  }
}

const encoder = new TextEncoder();
const done = encoder.encode('data: [DONE]\n\n');

function encode(value: unknown): Uint8Array {
  return encoder.encode(`data: ${JSON.stringify(value)}\n\n`);
}
