import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dataOf, pieceSizes, readEvents, readInPieces, words } from '../../../../test/support/stream-reading.ts';
import { newStreamReading } from '../surface.ts';
import { readResponsesAnswer } from './events.ts';
import { responsesSurface } from './surface.ts';

const usage = { input_tokens: 5, output_tokens: 3, total_tokens: 8 };
const created = { type: 'response.created', response: { id: 'resp_1', model: 'm-1', usage: null } };
const completed = { type: 'response.completed', response: { id: 'resp_1', model: 'm-1', usage } };
const added = (type: string): object => ({ type: 'response.output_item.added', item: { type } });
const delta = (text: string, of = 'output_text'): object => ({ type: `response.${of}.delta`, delta: text });
const read = (...events: readonly unknown[]) => readEvents(responsesSurface, events);

describe('the commit point of a stream of responses', () => {
  it.each([
    ['the beginning', created, false],
    ['progress', { ...created, type: 'response.in_progress' }, false],
    ['a message that begins', added('message'), false],
    ['reasoning that begins', added('reasoning'), false],
    ['a part that begins', { type: 'response.content_part.added', part: { type: 'output_text', text: '' } }, false],
    ['an empty delta', delta(''), false],
    ['an event that is new', { type: 'response.something_new' }, false],
    ['text', delta('H'), true],
    ['a refusal', delta('No', 'refusal'), true],
    ['reasoning', delta('H', 'reasoning_summary_text'), true],
    ['the arguments of a call', delta('{', 'function_call_arguments'), true],
    ['a call that begins', added('function_call'), true],
    ['a search that begins', added('web_search_call'), true],
  ])('with %s', (_, event, expected) => {
    expect(read(event).hasContent).toBe(expected);
  });
});

describe('a stream of responses', () => {
  it.each(['response.completed', 'response.incomplete'])('is finished by %s', (type) => {
    expect(read(created, delta('Hi'))).toMatchObject({ isFinished: false, hasEnded: false });
    expect(read(created, delta('Hi'), { ...completed, type })).toMatchObject({ isFinished: true, hasEnded: true });
  });

  it.each([
    ['max_output_tokens', false],
    ['content_filter', true],
  ])('that is incomplete for %s is filtered: %s', (reason, isFiltered) => {
    const response = { id: 'resp_1', model: 'm-1', usage, incomplete_details: { reason } };
    expect(read(created, delta('Hi'), { type: 'response.incomplete', response })).toMatchObject({ isFiltered });
    expect(readResponsesAnswer(response)).toMatchObject({ isFiltered });
  });

  it.each([
    ['malformed', '{"type":"respo'],
    ['malformed', '7'],
    ['error', { type: 'error', code: 'server_error', message: 'x' }],
    ['error', { type: 'response.failed', response: { error: { code: 'server_error' } } }],
  ])('has the problem %s', (problem, event) => {
    expect(read(created, delta('Hi'), event)).toMatchObject({ problem, hasContent: true, isFinished: false });
  });

  it('has its usage at the end, and never in an event of its own', () => {
    const reading = newStreamReading();
    for (const event of [created, delta('Hello'), completed, '[DONE]']) {
      expect(responsesSurface.readEvent(dataOf(event), reading)).toBe(false);
    }
    expect(reading).toMatchObject({
      usage: { inputTokens: 5, outputTokens: 3 },
      contentCharacters: 5,
      responseModel: 'm-1',
      responseId: 'resp_1',
    });
  });

  it('reads the same however it is cut', () => {
    fc.assert(
      fc.property(words, pieceSizes, (texts, sizes) => {
        const events = [created, added('message'), ...texts.map((text) => delta(text)), completed];
        expect(readInPieces(responsesSurface, events, sizes)).toEqual(readEvents(responsesSurface, events));
      }),
    );
  });
});

describe('a response', () => {
  it('names its model, its usage and itself', () => {
    expect(readResponsesAnswer({ id: 'resp_1', model: 'm-1', usage })).toMatchObject({
      responseModel: 'm-1',
      responseId: 'resp_1',
      usage: { inputTokens: 5, outputTokens: 3 },
    });
  });

  it('may say nothing', () => {
    expect(readResponsesAnswer({})).toEqual({
      isFiltered: false,
      finishReason: null,
      responseModel: null,
      responseId: null,
      usage: null,
      reportedCostUsd: null,
    });
  });
});
