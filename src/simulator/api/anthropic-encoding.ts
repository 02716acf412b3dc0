import type { Call } from '../engine.ts';
import type { Block, Generation } from '../generate/generation.ts';
import type { Encoding, Frame } from './frames.ts';

const stopReasons = {
  stop: 'end_turn',
  stop_sequence: 'stop_sequence',
  length: 'max_tokens',
  tool: 'tool_use',
} as const satisfies Record<Generation['finish'], string>;

/** `input_tokens` is what was neither read from the cache nor written to it. */
function usageOf(call: Call, outputTokens: number): object {
  const { readTokens, writtenTokens } = call.cache;
  return {
    input_tokens: call.promptTokens - readTokens - writtenTokens,
    cache_creation_input_tokens: writtenTokens,
    cache_read_input_tokens: readTokens,
    output_tokens: outputTokens,
    service_tier: 'standard',
  };
}

/** Tool input that the limit of tokens has cut is no JSON any more; it is answered as an empty object. */
function inputOf(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return {};
  }
}

function contentOf(block: Block): object {
  const text = block.tokens.join('');
  if (block.type === 'text') return { type: 'text', text };
  return { type: 'tool_use', id: `toolu_${block.id}`, name: block.name, input: inputOf(text) };
}

function messageOf(call: Call, content: object[], outputTokens: number, generation?: Generation): object {
  return {
    id: `msg_${call.id}`,
    type: 'message',
    role: 'assistant',
    model: call.model,
    content,
    stop_reason: generation === undefined ? null : stopReasons[generation.finish],
    stop_sequence: generation?.stopSequence ?? null,
    usage: usageOf(call, outputTokens),
  };
}

function event(data: { type: string; [field: string]: unknown }, isToken = false): Frame {
  return { data: `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`, isToken };
}

function* messageFrames(call: Call, generation: Generation): Generator<Frame> {
  yield event({ type: 'message_start', message: messageOf(call, [], 1) });
  for (const [index, block] of generation.blocks.entries()) {
    const start =
      block.type === 'text'
        ? { type: 'text', text: '' }
        : { type: 'tool_use', id: `toolu_${block.id}`, name: block.name, input: {} };
    yield event({ type: 'content_block_start', index, content_block: start });
    if (index === 0) yield event({ type: 'ping' });
    for (const token of block.tokens) {
      const delta =
        block.type === 'text' ? { type: 'text_delta', text: token } : { type: 'input_json_delta', partial_json: token };
      yield event({ type: 'content_block_delta', index, delta }, true);
    }
    yield event({ type: 'content_block_stop', index });
  }
  yield event({
    type: 'message_delta',
    delta: { stop_reason: stopReasons[generation.finish], stop_sequence: generation.stopSequence },
    usage: usageOf(call, generation.outputTokens),
  });
  yield event({ type: 'message_stop' });
}

/** Anthropic's `message` and its stream of events. */
export function encodeMessage(call: Call): Encoding {
  const generation = call.generations[0] ?? { blocks: [], finish: 'stop', stopSequence: null, outputTokens: 0 };
  const content = generation.blocks.map(contentOf);
  return {
    body: messageOf(call, content, generation.outputTokens, generation),
    frames: () => messageFrames(call, generation),
  };
}
