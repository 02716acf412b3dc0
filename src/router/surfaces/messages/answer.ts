import type {
  LanguageModelV3FinishReason,
  LanguageModelV3GenerateResult,
  LanguageModelV3StreamPart,
  LanguageModelV3Usage,
} from '@ai-sdk/provider';
import { hiddenReasoningOf, signatureOf } from '../chat/answer.ts';
import { encodeEvent } from '../event-stream.ts';
import { inSequence } from '../in-sequence.ts';
import { type AnswerIdentity, parseObject } from '../surface.ts';

const stopReasons: Readonly<Record<LanguageModelV3FinishReason['unified'], string>> = {
  stop: 'end_turn',
  length: 'max_tokens',
  'content-filter': 'refusal',
  'tool-calls': 'tool_use',
  error: 'end_turn',
  other: 'end_turn',
};

/** Anthropic counts cached input apart from the rest. */
function toUsage(usage: LanguageModelV3Usage): Record<string, unknown> {
  const read = usage.inputTokens.cacheRead ?? 0;
  const written = usage.inputTokens.cacheWrite ?? 0;
  return {
    input_tokens: Math.max(0, (usage.inputTokens.total ?? 0) - read - written),
    cache_creation_input_tokens: written,
    cache_read_input_tokens: read,
    output_tokens: usage.outputTokens.total ?? 0,
  };
}

const noUsageYet = { input_tokens: 0, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 0 };

/** The AI SDK's result as Anthropic's message. */
export function toMessage(result: LanguageModelV3GenerateResult, identity: AnswerIdentity): Record<string, unknown> {
  const content = result.content.flatMap((part): unknown[] => {
    if (part.type === 'text') return part.text === '' ? [] : [{ type: 'text', text: part.text }];
    if (part.type === 'reasoning') {
      const hidden = hiddenReasoningOf(part.providerMetadata);
      if (hidden !== null) return [{ type: 'redacted_thinking', data: hidden }];
      return [{ type: 'thinking', thinking: part.text, signature: signatureOf(part.providerMetadata) ?? '' }];
    }
    if (part.type !== 'tool-call') return [];
    return [{ type: 'tool_use', id: part.toolCallId, name: part.toolName, input: parseObject(part.input) ?? {} }];
  });
  return {
    id: `msg_${identity.id}`,
    type: 'message',
    role: 'assistant',
    model: result.response?.modelId ?? identity.model,
    content,
    stop_reason: stopReasons[result.finishReason.unified],
    stop_sequence: null,
    usage: toUsage(result.usage),
  };
}

/** The AI SDK's stream as Anthropic's events. */
export async function* toMessageEvents(
  parts: AsyncIterable<LanguageModelV3StreamPart>,
  identity: AnswerIdentity,
): AsyncGenerator<Uint8Array> {
  let { model } = identity;
  let index = -1;
  // The AI SDK's id of the block that is open; blocks of this dialect never overlap.
  let open: string | null = null;
  let started = false;
  const streamedCalls = new Set<string>();
  const event = (type: string, more: Record<string, unknown>): Uint8Array => encodeEvent({ type, ...more }, type);
  const delta = (value: Record<string, unknown>): Uint8Array => event('content_block_delta', { index, delta: value });

  function* begin(id: string, block: Record<string, unknown>): Generator<Uint8Array> {
    yield* end();
    index += 1;
    open = id;
    yield event('content_block_start', { index, content_block: block });
  }
  function* end(): Generator<Uint8Array> {
    if (open !== null) yield event('content_block_stop', { index });
    open = null;
  }

  for await (const part of inSequence(parts)) {
    if (part.type === 'response-metadata' && part.modelId !== undefined) model = part.modelId;
    if (part.type === 'stream-start' || part.type === 'response-metadata') continue;
    if (part.type === 'error') throw part.error;
    if (!started) {
      started = true;
      const message = {
        id: `msg_${identity.id}`,
        type: 'message',
        role: 'assistant',
        model,
        content: [],
        stop_reason: null,
        stop_sequence: null,
        usage: noUsageYet,
      };
      yield event('message_start', { message });
    }
    switch (part.type) {
      case 'text-delta':
        if (part.delta === '') break;
        if (open !== part.id) yield* begin(part.id, { type: 'text', text: '' });
        yield delta({ type: 'text_delta', text: part.delta });
        break;
      case 'reasoning-start': {
        const hidden = hiddenReasoningOf(part.providerMetadata);
        if (hidden !== null) yield* begin(part.id, { type: 'redacted_thinking', data: hidden });
        break;
      }
      case 'reasoning-delta': {
        const signature = signatureOf(part.providerMetadata);
        if (part.delta === '' && signature === null) break;
        if (open !== part.id) yield* begin(part.id, { type: 'thinking', thinking: '', signature: '' });
        if (part.delta !== '') yield delta({ type: 'thinking_delta', thinking: part.delta });
        if (signature !== null) yield delta({ type: 'signature_delta', signature });
        break;
      }
      case 'tool-input-start':
        streamedCalls.add(part.id);
        yield* begin(part.id, { type: 'tool_use', id: part.id, name: part.toolName, input: {} });
        break;
      case 'tool-input-delta':
        if (part.delta !== '' && open === part.id) yield delta({ type: 'input_json_delta', partial_json: part.delta });
        break;
      case 'tool-call':
        // Only calls that did not come in pieces before.
        if (streamedCalls.has(part.toolCallId)) break;
        yield* begin(part.toolCallId, { type: 'tool_use', id: part.toolCallId, name: part.toolName, input: {} });
        yield delta({ type: 'input_json_delta', partial_json: part.input });
        break;
      case 'text-end':
      case 'reasoning-end':
      case 'tool-input-end':
        if (open === part.id) yield* end();
        break;
      case 'finish':
        yield* end();
        yield event('message_delta', {
          delta: { stop_reason: stopReasons[part.finishReason.unified], stop_sequence: null },
          usage: toUsage(part.usage),
        });
        yield event('message_stop', {});
        break;
      default:
        break;
    }
  }
}
