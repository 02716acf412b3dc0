import type { LanguageModelV3Content, LanguageModelV3StreamPart, LanguageModelV3Usage } from '@ai-sdk/provider';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { chatSurface } from './chat/surface.ts';
import { createEventSplitter } from './event-stream.ts';
import { messagesSurface } from './messages/surface.ts';
import { responsesSurface } from './responses/surface.ts';
import { type AnswerIdentity, newStreamReading, type Surface } from './surface.ts';

type Json = Record<string, unknown>;

const identity: AnswerIdentity = { id: '0199aa00-0000-7000-8000-000000000001', createdAt: 1, model: 'm-1' };
const usage: LanguageModelV3Usage = {
  inputTokens: { total: 9, noCache: 4, cacheRead: 3, cacheWrite: 2 },
  outputTokens: { total: 7, text: 5, reasoning: 2 },
};

/** Pieces of a text, at least one, none of them empty. */
const pieces = fc.array(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 4 });

interface Block {
  content: LanguageModelV3Content;
  parts: LanguageModelV3StreamPart[];
}

/** A block of an answer, whole and in the parts in which it is streamed. */
const block = fc
  .record({ kind: fc.constantFrom('text', 'reasoning', 'tool-call'), texts: pieces, whole: fc.boolean() })
  .map(({ kind, texts, whole }) => (id: string): Block => {
    const text = texts.join('');
    if (kind === 'tool-call') {
      const input = JSON.stringify({ text });
      const call = { type: 'tool-call' as const, toolCallId: id, toolName: `tool_${id}`, input };
      const half = Math.floor(input.length / 2);
      const deltas = [input.slice(0, half), input.slice(half)].map((delta) => ({
        type: 'tool-input-delta' as const,
        id,
        delta,
      }));
      const start = { type: 'tool-input-start' as const, id, toolName: call.toolName };
      const streamed = [start, ...deltas, { type: 'tool-input-end' as const, id }, call];
      return { content: call, parts: whole ? [call] : streamed };
    }
    const type = kind === 'text' ? ('text' as const) : ('reasoning' as const);
    const signed = type === 'reasoning' ? { providerMetadata: { anthropic: { signature: `signed-${id}` } } } : {};
    return {
      content: { type, text, ...signed },
      parts: [
        { type: `${type}-start`, id },
        ...texts.map((delta) => ({ type: `${type}-delta` as const, id, delta })),
        ...(type === 'reasoning' ? [{ type: 'reasoning-delta' as const, id, delta: '', ...signed }] : []),
        { type: `${type}-end`, id },
      ],
    };
  });
const answer = fc
  .array(block, { minLength: 1, maxLength: 5 })
  .map((makers) => makers.map((make, index) => make(`b${index}`)));

async function eventsOf(surface: Surface, blocks: readonly Block[]): Promise<Json[]> {
  const parts: LanguageModelV3StreamPart[] = [
    { type: 'stream-start', warnings: [] },
    { type: 'response-metadata', modelId: 'm-1-2026' },
    ...blocks.flatMap((each) => each.parts),
    { type: 'finish', finishReason: { unified: 'stop', raw: 'stop' }, usage },
  ];
  async function* source(): AsyncGenerator<LanguageModelV3StreamPart> {
    yield* parts;
  }
  const splitter = createEventSplitter();
  const reading = newStreamReading();
  const events: Json[] = [];
  const body = { stream_options: { include_usage: true } };
  for await (const bytes of surface.toEvents(source(), identity, body)) {
    for (const { data } of splitter.push(bytes)) {
      if (data === null) continue;
      surface.readEvent(data, reading);
      if (data !== '[DONE]') events.push(JSON.parse(data) as Json);
    }
  }
  // What the surface writes, it can read.
  expect(reading).toMatchObject({
    hasContent: true,
    isFinished: true,
    hasEnded: true,
    problem: null,
    responseModel: 'm-1-2026',
    usage: { inputTokens: 9, cachedInputTokens: 3, cacheWriteTokens: 2, outputTokens: 7 },
  });
  return events;
}

function wholeAnswer(surface: Surface, blocks: readonly Block[]): Json {
  const content = blocks.map((each) => each.content);
  const finishReason = { unified: 'stop' as const, raw: 'stop' };
  const result = { content, finishReason, usage, warnings: [], response: { modelId: 'm-1-2026' } };
  return surface.toAnswer(result, identity, {});
}

interface Delta {
  content?: string;
  reasoning_content?: string;
  reasoning_details?: { text: string; signature?: string; index: number }[];
  tool_calls?: { index: number; id?: string; function: { name?: string; arguments: string } }[];
}

/** A chat message of its pieces, as clients put it together. */
function joinChat(events: readonly Json[]): Json {
  const chunks = events as unknown as { choices: { delta: Delta }[] }[];
  const deltas = chunks.flatMap(({ choices }) => choices.map(({ delta }) => delta));
  const calls: Json[] = [];
  const details: Json[] = [];
  for (const {
    index,
    id,
    function: { name, arguments: json },
  } of deltas.flatMap((delta) => delta.tool_calls ?? [])) {
    calls[index] ??= { id, type: 'function', function: { name, arguments: '' } };
    const called = calls[index]['function'] as { arguments: string };
    called.arguments += json;
  }
  for (const { index, text, signature } of deltas.flatMap((delta) => delta.reasoning_details ?? [])) {
    const detail = (details[index] ??= { type: 'reasoning.text', text: '' });
    detail['text'] += text;
    if (signature !== undefined) detail['signature'] = signature;
  }
  const content = deltas.map((delta) => delta.content ?? '').join('');
  const reasoning = deltas.map((delta) => delta.reasoning_content ?? '').join('');
  return {
    role: 'assistant',
    content: content === '' && calls.length > 0 ? null : content,
    refusal: null,
    ...(reasoning === '' ? {} : { reasoning_content: reasoning, reasoning_details: details }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  };
}

test('a chat stream says what the whole completion says', async () => {
  await fc.assert(
    fc.asyncProperty(answer, async (blocks) => {
      const events = await eventsOf(chatSurface, blocks);
      const { choices, usage: whole } = wholeAnswer(chatSurface, blocks) as {
        choices: { message: Json }[];
        usage: Json;
      };
      expect(joinChat(events)).toEqual(choices[0]?.message);
      expect(events.at(-1)).toMatchObject({ choices: [], usage: whole });
    }),
  );
});

/** A message's content of its events, as clients put it together: one block after the other. */
function joinMessage(events: readonly Json[]): Json[] {
  const content: Json[] = [];
  for (const event of events) {
    const index = event['index'] as number;
    if (event['type'] === 'content_block_start') {
      content.push({ ...(event['content_block'] as Json), input: '' });
    } else if (event['type'] === 'content_block_delta') {
      const found = content[index] ?? {};
      const { text, thinking, signature, partial_json: json } = event['delta'] as Record<string, string | undefined>;
      if (text !== undefined) found['text'] += text;
      if (thinking !== undefined) found['thinking'] += thinking;
      if (signature !== undefined) found['signature'] += signature;
      if (json !== undefined) found['input'] += json;
    }
  }
  return content.map(({ input, ...rest }) =>
    rest['type'] === 'tool_use' ? { ...rest, input: JSON.parse(String(input)) as unknown } : rest,
  );
}

/** Where blocks begin and end, and each delta that is in none or in another block than it says. */
function blocksOf(events: readonly Json[]): string[] {
  const boundaries: string[] = [];
  for (const { type, index } of events as readonly { type: string; index?: number }[]) {
    const isInPlace = type === 'content_block_delta' && boundaries.at(-1) === `start ${index}`;
    if (index !== undefined && !isInPlace) boundaries.push(`${type.replace('content_block_', '')} ${index}`);
  }
  return boundaries;
}

test('reasoning that its provider hides reaches a client of messages, whole and streamed', async () => {
  const hidden = { providerMetadata: { anthropic: { redactedData: 'x7' } } };
  const blocks: Block[] = [
    {
      content: { type: 'reasoning', text: '', ...hidden },
      parts: [
        { type: 'reasoning-start', id: 'r', ...hidden },
        { type: 'reasoning-end', id: 'r' },
      ],
    },
    {
      content: { type: 'text', text: 'Oslo.' },
      parts: [
        { type: 'text-start', id: 't' },
        { type: 'text-delta', id: 't', delta: 'Oslo.' },
        { type: 'text-end', id: 't' },
      ],
    },
  ];
  const expected = [
    { type: 'redacted_thinking', data: 'x7' },
    { type: 'text', text: 'Oslo.' },
  ];
  expect(wholeAnswer(messagesSurface, blocks)['content']).toEqual(expected);
  expect(joinMessage(await eventsOf(messagesSurface, blocks))).toEqual(expected);
});

test('a stream of messages says what the whole message says', async () => {
  await fc.assert(
    fc.asyncProperty(answer, async (blocks) => {
      const events = await eventsOf(messagesSurface, blocks);
      const whole = wholeAnswer(messagesSurface, blocks);
      expect(joinMessage(events)).toEqual(whole['content']);
      expect(blocksOf(events)).toEqual(blocks.flatMap((_, index) => [`start ${index}`, `stop ${index}`]));
      expect(events.at(-2)).toMatchObject({ type: 'message_delta', usage: whole['usage'] });
      expect(events.at(-1)).toEqual({ type: 'message_stop' });
    }),
  );
});

test('a stream of responses ends with what the whole response says, and says it on its way', async () => {
  // Neighbouring texts are one item when the answer is whole, and one each when it is streamed.
  const apart = answer.filter((blocks) =>
    blocks.every(({ content }, at) => content.type !== 'text' || blocks[at - 1]?.content.type !== 'text'),
  );
  await fc.assert(
    fc.asyncProperty(apart, async (blocks) => {
      const events = await eventsOf(responsesSurface, blocks);
      const whole = wholeAnswer(responsesSurface, blocks);
      expect(events.at(-1)).toMatchObject({ type: 'response.completed', response: { ...whole } });
      expect(events.map((event) => event['sequence_number'])).toEqual(events.map((_, index) => index));
      const done = events.flatMap((event) => (event['type'] === 'response.output_item.done' ? [event['item']] : []));
      expect(done).toEqual(whole['output']);
      for (const name of ['output_text', 'reasoning_summary_text', 'function_call_arguments']) {
        const deltas = events.filter(({ type }) => type === `response.${name}.delta`).map((event) => event['delta']);
        const ends = events.filter(({ type }) => type === `response.${name}.done`);
        expect(deltas.join('')).toBe(ends.map((event) => event['text'] ?? event['arguments']).join(''));
      }
    }),
  );
});
