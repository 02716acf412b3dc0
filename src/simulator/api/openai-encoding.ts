import type { Call } from '../engine.ts';
import type { Block, Generation } from '../generate/generation.ts';
import type { Encoding, Frame } from './frames.ts';

/** Providers report cached tokens in steps of this size. */
const cacheStep = 128;

const finishReasons = {
  stop: 'stop',
  stop_sequence: 'stop',
  length: 'length',
  tool: 'tool_calls',
} as const satisfies Record<Generation['finish'], string>;

export function cachedTokensOf(call: Call): number {
  // At least the last token is always computed anew.
  const cached = Math.floor(Math.min(call.cache.readTokens, call.promptTokens - 1) / cacheStep) * cacheStep;
  return Math.max(cached, 0);
}

function usageOf(call: Call): object {
  return {
    prompt_tokens: call.promptTokens,
    completion_tokens: call.completionTokens,
    total_tokens: call.promptTokens + call.completionTokens,
    prompt_tokens_details: { cached_tokens: cachedTokensOf(call), audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: 0,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}

function toolCallOf(block: Extract<Block, { type: 'tool' }>, argumentsJson: string): object {
  return { id: `call_${block.id}`, type: 'function', function: { name: block.name, arguments: argumentsJson } };
}

function messageOf(generation: Generation): object {
  const text = generation.blocks.flatMap((block) => (block.type === 'text' ? block.tokens : [])).join('');
  const calls = generation.blocks.filter((block) => block.type === 'tool');
  return {
    role: 'assistant',
    content: calls.length > 0 ? null : text,
    ...(calls.length > 0 && { tool_calls: calls.map((block) => toolCallOf(block, block.tokens.join(''))) }),
    refusal: null,
    annotations: [],
  };
}

function headOf(call: Call, object: string): object {
  return {
    id: `chatcmpl-${call.id}`,
    object,
    created: call.createdAtS,
    model: call.model,
    service_tier: 'default',
    system_fingerprint: 'fp_simulated',
  };
}

function* generationFrames(generation: Generation, frame: (delta: object, finish: string | null) => string) {
  const hasTools = generation.blocks.some((block) => block.type === 'tool');
  yield { data: frame({ role: 'assistant', content: hasTools ? null : '', refusal: null }, null), isToken: false };
  let toolIndex = 0;
  for (const block of generation.blocks) {
    if (block.type === 'text') {
      for (const token of block.tokens) yield { data: frame({ content: token }, null), isToken: true };
      continue;
    }
    const index = toolIndex;
    toolIndex += 1;
    yield { data: frame({ tool_calls: [{ index, ...toolCallOf(block, '') }] }, null), isToken: false };
    for (const token of block.tokens) {
      yield { data: frame({ tool_calls: [{ index, function: { arguments: token } }] }, null), isToken: true };
    }
  }
  yield { data: frame({}, finishReasons[generation.finish]), isToken: false };
}

/** With `includeUsage` every chunk has `usage`, null in all but an extra last chunk without choices. */
function* chatFrames(call: Call, includeUsage: boolean): Generator<Frame> {
  const head = headOf(call, 'chat.completion.chunk');
  for (const [index, generation] of call.generations.entries()) {
    yield* generationFrames(generation, (delta, finish) => {
      const choices = [{ index, delta, logprobs: null, finish_reason: finish }];
      return `data: ${JSON.stringify({ ...head, choices, ...(includeUsage && { usage: null }) })}\n\n`;
    });
  }
  if (includeUsage) {
    yield { data: `data: ${JSON.stringify({ ...head, choices: [], usage: usageOf(call) })}\n\n`, isToken: false };
  }
  yield { data: 'data: [DONE]\n\n', isToken: false };
}

/** OpenAI's `chat.completion` and its stream of `chat.completion.chunk`. */
export function encodeChat(call: Call, includeUsage: boolean): Encoding {
  const choices = call.generations.map((generation, index) => ({
    index,
    message: messageOf(generation),
    logprobs: null,
    finish_reason: finishReasons[generation.finish],
  }));
  return {
    body: { ...headOf(call, 'chat.completion'), choices, usage: usageOf(call) },
    frames: () => chatFrames(call, includeUsage),
  };
}
