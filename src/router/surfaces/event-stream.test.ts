import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createEventSplitter, encodeEvent } from './event-stream.ts';

const lines = fc.array(
  fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 20 }).map((text) => `data: ${text.replaceAll(/[\r\n]/g, '')}`),
    fc.constantFrom('data', 'data:without space', ': comment', 'event: name', 'id: 1', '', ''),
  ),
  { maxLength: 30 },
);
const stream = fc
  .tuple(lines, fc.constantFrom('\n', '\r\n', '\r'))
  .map(([all, lineEnd]) => Buffer.from(all.map((line) => line + lineEnd).join('')));

function split(bytes: Buffer, sizes: readonly number[]) {
  const splitter = createEventSplitter();
  const events = [];
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    events.push(...splitter.push(bytes.subarray(at, at + size)));
    at += size;
  }
  return { events, rest: splitter.rest() };
}

test('keeps every byte, and reads the same events however the stream is cut', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 10 });
  fc.assert(
    fc.property(stream, sizes, (bytes, cut) => {
      const { events, rest } = split(bytes, cut);
      expect(Buffer.concat([...events.map((event) => event.bytes), rest])).toEqual(bytes);
      const whole = split(bytes, [bytes.length + 1]);
      const data = (found: typeof events) => found.map((event) => event.data).filter((value) => value !== null);
      expect(data(events)).toEqual(data(whole.events));
    }),
    { numRuns: 500 },
  );
});

test.each([
  ['one line', 'data: {"a":1}\n\n', ['{"a":1}']],
  ['CRLF', 'data: a\r\n\r\ndata: b\r\n\r\n', ['a', 'b']],
  ['CR', 'data: a\r\rdata: b\r\r', ['a', 'b']],
  ['several data lines', 'event: x\ndata: a\ndata: b\nid: 3\n\n', ['a\nb']],
  ['a byte order mark', '\ufeffdata: a\n\n', ['a']],
  ['a comment', ': keep-alive\n\ndata:a\n\n', [null, 'a']],
  ['an unfinished event', 'data: a\n\ndata: b\n', ['a']],
])('%s', (_name, text, expected) => {
  const { events } = split(Buffer.from(text), [1000]);
  expect(events.map((event) => event.data)).toEqual(expected);
});

test('an event that never ends is refused', () => {
  const splitter = createEventSplitter(100);
  expect(() => splitter.push(Buffer.from(`data: ${'x'.repeat(200)}`))).toThrow(RangeError);
});

test('encodes what it reads', () => {
  const { events } = split(Buffer.from(encodeEvent({ a: 1 }, 'name')), [3]);
  expect(events.map((event) => event.data)).toEqual(['{"a":1}']);
});
