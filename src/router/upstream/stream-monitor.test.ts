import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createStreamMonitor, type StreamMonitor } from './stream-monitor.ts';

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const event = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;
const delta = (content: Record<string, unknown>, finishReason: string | null = null): string =>
  event({ id: 'c', model: 'm-1', choices: [{ index: 0, delta: content, finish_reason: finishReason }] });

function feed(text: string): StreamMonitor {
  const monitor = createStreamMonitor();
  monitor.feed(encode(text));
  return monitor;
}

describe('the commit point', () => {
  test('is not a role, an empty delta, a comment or a usage chunk', () => {
    const silent = feed(
      `: keep-alive\n\n${delta({ role: 'assistant', content: '' })}${delta({})}${event({ choices: [], usage: { prompt_tokens: 3, completion_tokens: 0 } })}`,
    );
    expect(silent.hasContent).toBe(false);
    expect(silent.usage).toEqual({ inputTokens: 3, outputTokens: 0, cachedInputTokens: 0 });
  });

  test.each([
    ['text', { content: 'x' }],
    ['reasoning', { reasoning_content: 'x' }],
    ['a refusal', { refusal: 'no' }],
    ['a tool call', { tool_calls: [{ index: 0, id: 'a', function: { name: 'f', arguments: '' } }] }],
  ])('is %s', (_name, content) => {
    expect(feed(delta(content)).hasContent).toBe(true);
  });
});

test('a stream is finished by its finish reason or by [DONE], not by silence', () => {
  expect(feed(delta({ content: 'x' })).isFinished).toBe(false);
  expect(feed(delta({}, 'stop')).isFinished).toBe(true);
  expect(feed('data: [DONE]\n\n').isFinished).toBe(true);
});

test('broken events and in-stream errors are seen', () => {
  expect(feed('data: {"choices":[{\n\n').problem).toEqual({ kind: 'malformed' });
  expect(feed(event({ error: { message: 'overloaded', code: 'overloaded' } })).problem).toEqual({
    kind: 'error',
    code: 'overloaded',
  });
  expect(feed(event(['no', 'object'])).problem).toBeNull();
});

test('fields that no client knows are no problem', () => {
  const monitor = feed(`colour: blue\nretry: soon\nnothing\n${delta({ content: 'x' })}`);
  expect(monitor).toMatchObject({ hasContent: true, problem: null });
});

test('however a stream is cut into pieces, the same is seen', () => {
  const words = fc.array(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 10 });
  fc.assert(
    fc.property(words, fc.array(fc.nat(40), { minLength: 1, maxLength: 200 }), (contents, sizes) => {
      const usage = { prompt_tokens: 9, completion_tokens: 4, prompt_tokens_details: { cached_tokens: 5 } };
      const bytes = encode(
        delta({ role: 'assistant', content: '' }) +
          contents.map((content) => delta({ content })).join('') +
          delta({}, 'stop') +
          event({ choices: [], usage }) +
          'data: [DONE]\n\n',
      );
      const monitor = createStreamMonitor();
      for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
        const size = 1 + (sizes[turn % sizes.length] ?? 0);
        monitor.feed(bytes.subarray(at, at + size));
        at += size;
      }
      expect(monitor.problem).toBeNull();
      expect(monitor).toMatchObject({
        hasContent: true,
        isFinished: true,
        responseModel: 'm-1',
        contentCharacters: contents.join('').length,
        usage: { inputTokens: 9, outputTokens: 4, cachedInputTokens: 5 },
      });
    }),
  );
});
