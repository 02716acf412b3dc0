import type { Call } from '../engine.ts';
import type { Block, Generation } from '../generate/generation.ts';
import type { Encoding, Frame } from './frames.ts';
import { cachedTokensOf } from './openai-encoding.ts';
import type { ResponsesBody } from './responses-body.ts';

type Status = 'in_progress' | 'completed' | 'incomplete';

function usageOf(call: Call): object {
  return {
    input_tokens: call.promptTokens,
    input_tokens_details: { cached_tokens: cachedTokensOf(call), cache_write_tokens: 0 },
    output_tokens: call.completionTokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: call.promptTokens + call.completionTokens,
  };
}

/** The response object: the request's settings, and what of the answer there is so far. */
function responseOf(call: Call, body: ResponsesBody, status: Status, output: readonly object[]): object {
  return {
    id: `resp_${call.id}`,
    object: 'response',
    created_at: call.createdAtS,
    status,
    background: false,
    error: null,
    incomplete_details: status === 'incomplete' ? { reason: 'max_output_tokens' } : null,
    instructions: body.instructions ?? null,
    max_output_tokens: body.max_output_tokens ?? null,
    max_tool_calls: null,
    model: call.model,
    output,
    parallel_tool_calls: body.parallel_tool_calls ?? true,
    previous_response_id: body['previous_response_id'] ?? null,
    reasoning: { effort: null, summary: null },
    service_tier: 'default',
    store: body['store'] ?? true,
    temperature: body.temperature ?? 1,
    text: { format: body.text?.format ?? { type: 'text' }, verbosity: 'medium' },
    tool_choice: body.tool_choice ?? 'auto',
    tools: (body.tools ?? []).map((tool) => ({ description: null, parameters: null, strict: true, ...tool })),
    top_logprobs: 0,
    top_p: body.top_p ?? 1,
    truncation: 'disabled',
    ...(status !== 'in_progress' && { usage: usageOf(call) }),
    metadata: body['metadata'] ?? {},
  };
}

function itemIdOf(call: Call, block: Block, index: number): string {
  return block.type === 'tool' ? `fc_${block.id}` : `msg_${call.id}${index}`;
}

function textPart(text: string): object {
  return { type: 'output_text', annotations: [], logprobs: [], text };
}

/** An item of the output; without a text it has only begun. */
function itemOf(call: Call, block: Block, index: number, status: Status, text?: string): object {
  const id = itemIdOf(call, block, index);
  if (block.type === 'tool') {
    return { id, type: 'function_call', status, arguments: text ?? '', call_id: `call_${block.id}`, name: block.name };
  }
  return { id, type: 'message', status, content: text === undefined ? [] : [textPart(text)], role: 'assistant' };
}

function* responseFrames(call: Call, body: ResponsesBody, { blocks, finish }: Generation): Generator<Frame> {
  let sequence = 0;
  function frame(type: string, more: object, isToken = false): Frame {
    const data = JSON.stringify({ type, sequence_number: sequence, ...more });
    sequence += 1;
    return { data: `event: ${type}\ndata: ${data}\n\n`, isToken };
  }
  const end: Status = finish === 'length' ? 'incomplete' : 'completed';
  const output: object[] = [];

  yield frame('response.created', { response: responseOf(call, body, 'in_progress', []) });
  yield frame('response.in_progress', { response: responseOf(call, body, 'in_progress', []) });
  for (const [index, block] of blocks.entries()) {
    const place = { item_id: itemIdOf(call, block, index), output_index: index };
    const part = { ...place, content_index: 0 };
    const text = block.tokens.join('');
    const item = itemOf(call, block, index, end, text);
    output.push(item);
    yield frame('response.output_item.added', {
      output_index: index,
      item: itemOf(call, block, index, 'in_progress'),
    });
    if (block.type === 'text') {
      yield frame('response.content_part.added', { ...part, part: textPart('') });
      for (const token of block.tokens) {
        yield frame('response.output_text.delta', { ...part, delta: token, logprobs: [] }, true);
      }
      yield frame('response.output_text.done', { ...part, text, logprobs: [] });
      yield frame('response.content_part.done', { ...part, part: textPart(text) });
    } else {
      for (const token of block.tokens) {
        yield frame('response.function_call_arguments.delta', { ...place, delta: token }, true);
      }
      yield frame('response.function_call_arguments.done', { ...place, name: block.name, arguments: text });
    }
    yield frame('response.output_item.done', { output_index: index, item });
  }
  yield frame(`response.${end}`, { response: responseOf(call, body, end, output) });
}

/** OpenAI's `response` and its stream of events. */
export function encodeResponse(call: Call, body: ResponsesBody): Encoding {
  const generation = call.generations[0] ?? { blocks: [], finish: 'stop', stopSequence: null, outputTokens: 0 };
  const end: Status = generation.finish === 'length' ? 'incomplete' : 'completed';
  const output = generation.blocks.map((block, index) => itemOf(call, block, index, end, block.tokens.join('')));
  return {
    body: responseOf(call, body, end, output),
    frames: () => responseFrames(call, body, generation),
  };
}
