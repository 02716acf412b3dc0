import type {
  LanguageModelV3FinishReason,
  LanguageModelV3GenerateResult,
  LanguageModelV3StreamPart,
  LanguageModelV3Usage,
  SharedV3ProviderMetadata,
} from '@ai-sdk/provider';
import { encodeEvent } from '../event-stream.ts';
import { type AnswerIdentity, type Body, isObject } from '../surface.ts';

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
    prompt_tokens_details: {
      cached_tokens: usage.inputTokens.cacheRead ?? 0,
      cache_write_tokens: usage.inputTokens.cacheWrite ?? 0,
    },
    completion_tokens_details: { reasoning_tokens: usage.outputTokens.reasoning ?? 0 },
  };
}

/** The signature that a provider wants back with its reasoning; null where it gives none. */
export function signatureOf(metadata: SharedV3ProviderMetadata | undefined): string | null {
  const signature = metadata?.['anthropic']?.['signature'] ?? metadata?.['bedrock']?.['signature'];
  return typeof signature === 'string' ? signature : null;
}

/** Reasoning that its provider shows to nobody and wants back; null where it shows it. */
export function hiddenReasoningOf(metadata: SharedV3ProviderMetadata | undefined): string | null {
  const data = metadata?.['anthropic']?.['redactedData'] ?? metadata?.['bedrock']?.['redactedData'];
  return typeof data === 'string' ? data : null;
}

/** The AI SDK's result as OpenAI's chat completion. */
export function toCompletion(result: LanguageModelV3GenerateResult, identity: AnswerIdentity): Record<string, unknown> {
  let text = '';
  let reasoning = '';
  const details: unknown[] = [];
  const toolCalls: unknown[] = [];
  for (const part of result.content) {
    if (part.type === 'text') text += part.text;
    else if (part.type === 'reasoning') {
      reasoning += part.text;
      const signature = signatureOf(part.providerMetadata);
      const hidden = hiddenReasoningOf(part.providerMetadata);
      if (signature !== null) details.push({ type: 'reasoning.text', text: part.text, signature });
      else if (hidden !== null) details.push({ type: 'reasoning.encrypted', data: hidden });
    } else if (part.type === 'tool-call') {
      toolCalls.push({
        id: part.toolCallId,
        type: 'function',
        function: { name: part.toolName, arguments: part.input },
      });
    }
  }
  return {
    id: `chatcmpl-${identity.id}`,
    object: 'chat.completion',
    created: identity.createdAt,
    model: result.response?.modelId ?? identity.model,
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: text === '' && toolCalls.length > 0 ? null : text,
          refusal: null,
          ...(reasoning === '' ? {} : { reasoning_content: reasoning }),
          ...(details.length > 0 ? { reasoning_details: details } : {}),
          ...(toolCalls.length > 0 ? { tool_calls: toolCalls } : {}),
        },
        finish_reason: finishReasons[result.finishReason.unified],
        logprobs: null,
      },
    ],
    usage: toUsage(result.usage),
  };
}

/** The AI SDK's stream as OpenAI's server-sent events, the usage and `[DONE]` always included. */
export async function* toCompletionEvents(
  parts: AsyncIterable<LanguageModelV3StreamPart>,
  identity: AnswerIdentity,
  body: Body,
): AsyncGenerator<Uint8Array> {
  const includeUsage = wantsUsage(body);
  let { model } = identity;
  const toolIndexes = new Map<string, number>();
  const reasoningIndexes = new Map<string, number>();
  const event = (choices: unknown[], more: Record<string, unknown> = {}): Uint8Array =>
    encodeEvent({
      id: `chatcmpl-${identity.id}`,
      object: 'chat.completion.chunk',
      created: identity.createdAt,
      model,
      choices,
      ...more,
    });
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
      case 'reasoning-start': {
        const data = hiddenReasoningOf(part.providerMetadata);
        const index = indexOf(reasoningIndexes, part.id);
        if (data !== null) yield chunk({ reasoning_details: [{ type: 'reasoning.encrypted', data, index }] });
        break;
      }
      case 'reasoning-delta': {
        const signature = signatureOf(part.providerMetadata);
        const detail = { type: 'reasoning.text', text: part.delta, index: indexOf(reasoningIndexes, part.id) };
        if (part.delta !== '') yield chunk({ reasoning_content: part.delta, reasoning_details: [detail] });
        if (signature !== null) yield chunk({ reasoning_details: [{ ...detail, text: '', signature }] });
        break;
      }
      case 'tool-input-start': {
        const index = indexOf(toolIndexes, part.id);
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
          const index = indexOf(toolIndexes, part.toolCallId);
          const call = { name: part.toolName, arguments: part.input };
          yield toolDelta(index, { id: part.toolCallId, type: 'function', function: call });
        }
        break;
      case 'finish':
        yield chunk({}, finishReasons[part.finishReason.unified]);
        yield event([], { usage: toUsage(part.usage) });
        yield encodeEvent('[DONE]');
        break;
      case 'error':
        throw part.error;
      default:
        break;
    }
  }
}

/** The AI SDK names blocks by ids, this dialect counts them. */
function indexOf(indexes: Map<string, number>, id: string): number {
  const index = indexes.get(id) ?? indexes.size;
  indexes.set(id, index);
  return index;
}

/** Whether the client asked for the usage of a stream. */
export function wantsUsage(body: Body): boolean {
  const options = body['stream_options'];
  return isObject(options) && options['include_usage'] === true;
}
