import type { LanguageModelV3StreamPart } from '@ai-sdk/provider';
import { encodeEvent } from '../event-stream.ts';
import { inSequence } from '../in-sequence.ts';
import type { AnswerIdentity, Body } from '../surface.ts';
import {
  callItem,
  endOf,
  messageItem,
  type OutputItem,
  reasoningItem,
  responseObject,
  type ResponseState,
  textPart,
  toResponseUsage,
} from './answer.ts';

/** The item that is being written; items of this dialect never overlap. */
interface OpenItem {
  /** The AI SDK's id of the part. */
  partId: string;
  kind: 'message' | 'reasoning' | 'call';
  index: number;
  item: OutputItem;
  text: string;
  /** Of a call. */
  name: string;
}

/** The AI SDK's stream as OpenAI's response events. */
export async function* toResponseEvents(
  parts: AsyncIterable<LanguageModelV3StreamPart>,
  identity: AnswerIdentity,
  body: Body,
): AsyncGenerator<Uint8Array> {
  const state: ResponseState & { output: OutputItem[] } = {
    status: 'in_progress',
    model: identity.model,
    output: [],
    usage: null,
    incompleteReason: null,
  };
  let sequence = -1;
  let open: OpenItem | null = null;
  let started = false;
  const streamedCalls = new Set<string>();

  const event = (type: string, more: Record<string, unknown>): Uint8Array => {
    sequence += 1;
    return encodeEvent({ type, sequence_number: sequence, ...more }, type);
  };
  const response = (): Record<string, unknown> => ({ response: responseObject(body, identity, state) });
  const place = (item: OpenItem): Record<string, unknown> => ({ item_id: item.item.id, output_index: item.index });

  function* begin(kind: OpenItem['kind'], partId: string, name = ''): Generator<Uint8Array, OpenItem> {
    yield* end();
    const index = state.output.length;
    const call = { id: partId, name, arguments: '', status: 'in_progress' };
    const item =
      kind === 'message'
        ? messageItem(identity, index, 'in_progress', null)
        : kind === 'reasoning'
          ? reasoningItem(identity, index, null)
          : callItem(identity, index, call);
    const opened: OpenItem = { partId, kind, index, item, text: '', name };
    open = opened;
    yield event('response.output_item.added', { output_index: index, item });
    if (kind === 'message') {
      yield event('response.content_part.added', { ...place(opened), content_index: 0, part: textPart('') });
    } else if (kind === 'reasoning') {
      const part = { type: 'summary_text', text: '' };
      yield event('response.reasoning_summary_part.added', { ...place(opened), summary_index: 0, part });
    }
    return opened;
  }

  function* add(item: OpenItem, delta: string): Generator<Uint8Array> {
    item.text += delta;
    const more = { ...place(item), delta };
    if (item.kind === 'message') yield event('response.output_text.delta', { ...more, content_index: 0, logprobs: [] });
    else if (item.kind === 'reasoning') {
      yield event('response.reasoning_summary_text.delta', { ...more, summary_index: 0 });
    } else yield event('response.function_call_arguments.delta', more);
  }

  function* end(): Generator<Uint8Array> {
    if (open === null) return;
    const closed: OpenItem = open;
    open = null;
    const { kind, index, text, name, partId } = closed;
    const at = place(closed);
    let item: OutputItem;
    if (kind === 'message') {
      item = messageItem(identity, index, 'completed', text);
      yield event('response.output_text.done', { ...at, content_index: 0, text, logprobs: [] });
      yield event('response.content_part.done', { ...at, content_index: 0, part: textPart(text) });
    } else if (kind === 'reasoning') {
      item = reasoningItem(identity, index, text);
      yield event('response.reasoning_summary_text.done', { ...at, summary_index: 0, text });
      const part = { type: 'summary_text', text };
      yield event('response.reasoning_summary_part.done', { ...at, summary_index: 0, part });
    } else {
      item = callItem(identity, index, { id: partId, name, arguments: text, status: 'completed' });
      yield event('response.function_call_arguments.done', { ...at, name, arguments: text });
    }
    state.output.push(item);
    yield event('response.output_item.done', { output_index: index, item });
  }

  for await (const part of inSequence(parts)) {
    if (part.type === 'response-metadata' && part.modelId !== undefined) state.model = part.modelId;
    if (part.type === 'stream-start' || part.type === 'response-metadata') continue;
    if (part.type === 'error') throw part.error;
    if (!started) {
      started = true;
      yield event('response.created', response());
      yield event('response.in_progress', response());
    }
    // What follows changes `open` in functions of its own.
    const current = open as OpenItem | null;
    switch (part.type) {
      case 'text-delta':
      case 'reasoning-delta': {
        if (part.delta === '') break;
        const kind = part.type === 'text-delta' ? 'message' : 'reasoning';
        const item = current?.partId === part.id && current.kind === kind ? current : yield* begin(kind, part.id);
        yield* add(item, part.delta);
        break;
      }
      case 'tool-input-start':
        streamedCalls.add(part.id);
        yield* begin('call', part.id, part.toolName);
        break;
      case 'tool-input-delta':
        if (part.delta !== '' && current?.partId === part.id) yield* add(current, part.delta);
        break;
      case 'tool-call':
        // Only calls that did not come in pieces before.
        if (!streamedCalls.has(part.toolCallId)) {
          yield* add(yield* begin('call', part.toolCallId, part.toolName), part.input);
        }
        break;
      case 'text-end':
      case 'reasoning-end':
      case 'tool-input-end':
        if (current?.partId === part.id) yield* end();
        break;
      case 'finish': {
        yield* end();
        Object.assign(state, endOf(part.finishReason.unified), { usage: toResponseUsage(part.usage) });
        yield event(state.status === 'incomplete' ? 'response.incomplete' : 'response.completed', response());
        break;
      }
      default:
        break;
    }
  }
}
