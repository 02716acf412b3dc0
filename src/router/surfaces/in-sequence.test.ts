import type { LanguageModelV3StreamPart } from '@ai-sdk/provider';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { inSequence } from './in-sequence.ts';

type Part = LanguageModelV3StreamPart;

const start = (id: string): Part => ({ type: 'tool-input-start', id, toolName: id });
const delta = (id: string, text: string): Part => ({ type: 'tool-input-delta', id, delta: text });
const end = (id: string): Part => ({ type: 'tool-input-end', id });
const text = (words: string): Part => ({ type: 'text-delta', id: 'text', delta: words });
const finish: Part = {
  type: 'finish',
  finishReason: { unified: 'tool-calls', raw: 'tool_calls' },
  usage: {
    inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
    outputTokens: { total: 1, text: 1, reasoning: 0 },
  },
};

async function sequence(parts: readonly Part[]): Promise<Part[]> {
  async function* source(): AsyncGenerator<Part> {
    yield* parts;
  }
  const result: Part[] = [];
  for await (const part of inSequence(source())) result.push(part);
  return result;
}

/** A stream in short: `a+` begins a call, `a-` ends it, `a:{}` is a piece of its input. */
function inShort(parts: readonly Part[]): string {
  return parts
    .map((part) => {
      switch (part.type) {
        case 'tool-input-start':
          return `${part.id}+`;
        case 'tool-input-end':
          return `${part.id}-`;
        case 'tool-input-delta':
        case 'text-delta':
          return `${part.id}:${part.delta}`;
        default:
          return part.type;
      }
    })
    .join(' ');
}

test('hands on at once what follows a call whose input is complete', async () => {
  const parts = [start('a'), delta('a', '{"x":'), delta('a', '1}'), start('b'), delta('b', '{}'), end('a'), end('b')];
  expect(inShort(await sequence(parts))).toBe('a+ a:{"x": a:1} a- b+ b:{} b- a- b-');
});

test('holds a call back while another is not complete', async () => {
  const parts = [
    start('a'),
    start('b'),
    delta('b', '{"y"'),
    delta('a', '{"x":1'),
    text('and'),
    delta('a', '}'),
    delta('b', ':2}'),
    end('a'),
    end('b'),
    finish,
  ];
  expect(inShort(await sequence(parts))).toBe('a+ a:{"x":1 a:} a- b+ b:{"y" b::2} b- text:and a- b- finish');
});

/** Pieces of several calls, each in its order and all mixed. */
const mixed = fc
  .array(fc.array(fc.string({ maxLength: 5 }), { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 4 })
  .chain((inputs) => {
    const calls = inputs.map((words, index) => {
      const id = `call-${index}`;
      const json = JSON.stringify({ words });
      const cut = Math.ceil(json.length / words.length);
      const pieces = words.map((_, at) => delta(id, json.slice(at * cut, (at + 1) * cut)));
      return { id, json, parts: [start(id), ...pieces] };
    });
    const turns = calls.flatMap(({ id, parts }) => parts.map(() => id));
    return fc.shuffledSubarray(turns, { minLength: turns.length }).map((order) => {
      const left = new Map(calls.map(({ id, parts }) => [id, [...parts]]));
      const parts = order.flatMap((id) => left.get(id)?.shift() ?? []);
      return { calls, parts: [...parts, ...calls.map(({ id }) => end(id)), finish] };
    });
  });

/** Calls in the order in which they are written. What is written out of place is one of its own, or leaves one open. */
function callsIn(parts: readonly Part[]): { id: string; json: string; hasEnded: boolean }[] {
  const calls: { id: string; json: string; hasEnded: boolean }[] = [];
  for (const part of parts) {
    const last = calls.at(-1);
    if (part.type === 'tool-input-start') calls.push({ id: part.id, json: '', hasEnded: false });
    else if (part.type === 'tool-input-delta') {
      if (last?.id === part.id && !last.hasEnded) last.json += part.delta;
      else calls.push({ id: part.id, json: part.delta, hasEnded: false });
    } else if (part.type === 'tool-input-end' && part.id === last?.id) last.hasEnded = true;
  }
  return calls;
}

test('loses nothing of any call, and never writes two at once', async () => {
  await fc.assert(
    fc.asyncProperty(mixed, async ({ calls, parts }) => {
      const result = await sequence(parts);
      const written = callsIn(result);
      expect(written).toHaveLength(calls.length);
      expect(written).toEqual(expect.arrayContaining(calls.map(({ id, json }) => ({ id, json, hasEnded: true }))));
      expect(result.at(-1)).toBe(finish);
    }),
  );
});
