import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dataOf, pieceSizes, readEvents, readInPieces, words } from '../../../../test/support/stream-reading.ts';
import { newStreamReading } from '../surface.ts';
import { readMessagesAnswer } from './events.ts';
import { messagesSurface } from './surface.ts';

const started = {
  type: 'message_start',
  message: { id: 'msg_1', model: 'm-1', usage: { input_tokens: 5, cache_read_input_tokens: 2, output_tokens: 1 } },
};
const begun = (content_block: object): object => ({ type: 'content_block_start', index: 0, content_block });
const delta = (value: object): object => ({ type: 'content_block_delta', index: 0, delta: value });
const ended = { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 9 } };
const stopped = { type: 'message_stop' };
const read = (...events: readonly unknown[]) => readEvents(messagesSurface, events);

describe('the commit point of a stream of messages', () => {
  it.each([
    ['the beginning', started, false],
    ['a ping', { type: 'ping' }, false],
    ['a text that begins', begun({ type: 'text', text: '' }), false],
    ['thinking that begins', begun({ type: 'thinking', thinking: '' }), false],
    ['an empty delta', delta({ type: 'text_delta', text: '' }), false],
    ['a signature', delta({ type: 'signature_delta', signature: 'x' }), false],
    ['the end', ended, false],
    ['an event that is new', { type: 'something_new', text: 'x' }, false],
    ['text', delta({ type: 'text_delta', text: 'H' }), true],
    ['thinking', delta({ type: 'thinking_delta', thinking: 'H' }), true],
    ['a tool call that begins', begun({ type: 'tool_use', id: 't', name: 'f', input: {} }), true],
    ['hidden thinking', begun({ type: 'redacted_thinking', data: 'x' }), true],
    ['the input of a call', delta({ type: 'input_json_delta', partial_json: '{' }), true],
  ])('with %s', (_, event, expected) => {
    expect(read(event).hasContent).toBe(expected);
  });
});

describe('a stream of messages', () => {
  it('is finished by its stop alone', () => {
    const text = delta({ text: 'Hi' });
    expect(read(started, text, ended)).toMatchObject({ isFinished: false, hasEnded: false });
    expect(read(started, text, ended, stopped)).toMatchObject({ isFinished: true, hasEnded: true });
  });

  it.each([
    ['end_turn', false],
    ['refusal', true],
  ])('ended by %s is filtered: %s', (stop_reason, isFiltered) => {
    expect(read(started, { ...ended, delta: { stop_reason } }, stopped)).toMatchObject({ isFiltered });
    expect(readMessagesAnswer({ stop_reason })).toMatchObject({ isFiltered });
  });

  it.each([
    ['malformed', '{"type":"content_bl'],
    ['malformed', 'null'],
    ['error', { type: 'error', error: { type: 'overloaded_error' } }],
  ])('has the problem %s', (problem, event) => {
    expect(read(started, delta({ text: 'Hi' }), event)).toMatchObject({ problem, hasContent: true });
  });

  it('has its usage in two parts, neither of which is an event of its own', () => {
    const reading = newStreamReading();
    for (const event of [started, delta({ text: 'Hi' }), ended, stopped]) {
      expect(messagesSurface.readEvent(dataOf(event), reading)).toBe(false);
    }
    expect(reading.usage).toMatchObject({ inputTokens: 7, cachedInputTokens: 2, outputTokens: 9 });
    expect(reading.finishReason).toBe('end_turn');
  });

  it('counts what it began with where it breaks off', () => {
    expect(read(started, delta({ text: 'Hello' }))).toMatchObject({
      usage: { inputTokens: 7, outputTokens: 1 },
      contentCharacters: 5,
      responseModel: 'm-1',
    });
  });

  it('takes the later of two counts where it is greater', () => {
    const zeros = { ...ended, usage: { input_tokens: 0, output_tokens: 4 } };
    expect(read(started, zeros).usage).toMatchObject({ inputTokens: 7, outputTokens: 4 });
  });

  it('reads the same however it is cut', () => {
    fc.assert(
      fc.property(words, pieceSizes, (texts, sizes) => {
        const pieces = texts.map((text) => delta({ type: 'text_delta', text }));
        const events = [started, begun({ type: 'text', text: '' }), ...pieces, ended, stopped];
        expect(readInPieces(messagesSurface, events, sizes)).toEqual(readEvents(messagesSurface, events));
      }),
    );
  });
});

describe('a message', () => {
  it('names its model and usage', () => {
    expect(readMessagesAnswer({ model: 'm-1', usage: { input_tokens: 5, output_tokens: 3 } })).toMatchObject({
      responseModel: 'm-1',
      responseId: null,
      usage: { inputTokens: 5, outputTokens: 3 },
    });
  });

  it('may say nothing', () => {
    expect(readMessagesAnswer({})).toEqual({
      isFiltered: false,
      finishReason: null,
      responseModel: null,
      responseId: null,
      usage: null,
      reportedCostUsd: null,
    });
  });
});
