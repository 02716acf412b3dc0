import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dataOf, pieceSizes, readEvents, readInPieces, words } from '../../../../test/support/stream-reading.ts';
import { newStreamReading } from '../surface.ts';
import { readChatAnswer } from './events.ts';
import { chatSurface } from './surface.ts';

const chunk = (delta: object, more: object = {}): object => ({
  model: 'm-1',
  choices: [{ index: 0, delta, finish_reason: null, ...more }],
});
const usage = { prompt_tokens: 5, completion_tokens: 3, total_tokens: 8 };
const read = (...events: readonly unknown[]) => readEvents(chatSurface, events);

describe('the commit point of a chat stream', () => {
  it.each([
    ['the role', chunk({ role: 'assistant', content: '' }), false],
    ['no delta', { choices: [{ index: 0 }] }, false],
    ['no choices', { choices: [] }, false],
    ['empty tool calls', chunk({ tool_calls: [] }), false],
    ['the usage', { choices: [], usage }, false],
    ['an end without content', chunk({}, { finish_reason: 'stop' }), false],
    ['text', chunk({ content: 'H' }), true],
    ['reasoning', chunk({ reasoning_content: 'H' }), true],
    ['reasoning by its other name', chunk({ reasoning: 'H' }), true],
    ['a refusal', chunk({ refusal: 'No' }), true],
    ['a tool call', chunk({ tool_calls: [{ index: 0, function: { name: 'f', arguments: '' } }] }), true],
    ['a function call', chunk({ function_call: { name: 'f' } }), true],
    ['audio', chunk({ audio: { data: 'aGk=' } }), true],
    ['text of a later choice', { choices: [{ delta: {} }, { delta: { content: 'H' } }] }, true],
  ])('with %s', (_, event, expected) => {
    expect(read(event).hasContent).toBe(expected);
  });
});

describe('a chat stream', () => {
  it('is finished by a reason or by [DONE], and has ended with the latter alone, since the usage comes between', () => {
    expect(read(chunk({ content: 'Hi' }))).toMatchObject({ isFinished: false, hasEnded: false });
    expect(read(chunk({}, { finish_reason: 'length' }))).toMatchObject({ isFinished: true, hasEnded: false });
    expect(read('[DONE]')).toMatchObject({ isFinished: true, hasEnded: true });
  });

  it.each([
    ['stop', false],
    ['content_filter', true],
  ])('ended by %s is filtered: %s', (finish_reason, isFiltered) => {
    expect(read(chunk({ content: 'Hi' }), chunk({}, { finish_reason }))).toMatchObject({ isFiltered });
    expect(readChatAnswer({ choices: [{ message: {}, finish_reason }] })).toMatchObject({ isFiltered });
  });

  it.each([
    ['malformed', '{"choices":[{"del'],
    ['malformed', '[]'],
    ['error', { error: { message: 'overloaded' } }],
  ])('has the problem %s', (problem, event) => {
    expect(read(chunk({ content: 'Hi' }), event)).toMatchObject({ problem, hasContent: true });
  });

  it('keeps its first problem', () => {
    expect(read('{', { error: 'x' }).problem).toBe('malformed');
    expect(read({ error: 'x' }, '{').problem).toBe('error');
  });

  it.each([
    ['alone at its end', { choices: [], usage }, true],
    ['with the reason', { ...chunk({}, { finish_reason: 'stop' }), usage }, false],
    ['in a field of Groq', { ...chunk({}, { finish_reason: 'stop' }), x_groq: { usage } }, false],
  ])('has its usage %s', (_, event, isAlone) => {
    const reading = newStreamReading();
    expect(chatSurface.readEvent(dataOf(event), reading)).toBe(isAlone);
    expect(reading.usage).toMatchObject({ inputTokens: 5, outputTokens: 3 });
  });

  it('does not lose its usage by a later null', () => {
    expect(read({ choices: [], usage }, { ...chunk({}), usage: null }).usage).toMatchObject({ outputTokens: 3 });
  });

  it('counts its content, and names the model that began it', () => {
    const reading = read(chunk({ content: 'Hello' }), { ...chunk({ reasoning_content: 'Hm' }), model: 'm-2' });
    expect(reading).toMatchObject({ contentCharacters: 7, responseModel: 'm-1' });
  });

  it('reads the same however it is cut', () => {
    fc.assert(
      fc.property(words, pieceSizes, (contents, sizes) => {
        const events = [
          chunk({ role: 'assistant' }),
          ...contents.map((content) => chunk({ content })),
          chunk({}, { finish_reason: 'stop' }),
          { choices: [], usage },
          '[DONE]',
        ];
        expect(readInPieces(chatSurface, events, sizes)).toEqual(readEvents(chatSurface, events));
      }),
    );
  });
});

describe('a chat completion', () => {
  it('names its model and usage', () => {
    expect(readChatAnswer({ model: 'm-1', usage, service_tier: 'flex' })).toMatchObject({
      responseModel: 'm-1',
      responseId: null,
      usage: { inputTokens: 5, outputTokens: 3, serviceTier: 'flex' },
    });
  });

  it.each([
    ['stop', 'stop'],
    ['tool_calls', 'tool_calls'],
    ['because the user asked for it', null],
    ['x'.repeat(41), null],
    [7, null],
  ])('ends with %j, of which is kept %j: a word, and no text', (finish_reason, kept) => {
    expect(readChatAnswer({ choices: [{ finish_reason }] }).finishReason).toBe(kept);
    expect(read(chunk({}, { finish_reason })).finishReason).toBe(kept);
  });

  it('may say nothing', () => {
    expect(readChatAnswer({})).toEqual({
      isFiltered: false,
      finishReason: null,
      responseModel: null,
      responseId: null,
      usage: null,
      reportedCostUsd: null,
    });
  });
});
