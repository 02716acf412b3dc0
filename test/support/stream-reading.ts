import fc from 'fast-check';
import { createEventSplitter } from '../../src/router/surfaces/event-stream.ts';
import { newStreamReading, type StreamReading, type Surface } from '../../src/router/surfaces/surface.ts';

/** What a surface reads in these events, one after the other. */
export function readEvents(surface: Surface, events: readonly unknown[]): StreamReading {
  const reading = newStreamReading();
  for (const event of events) surface.readEvent(dataOf(event), reading);
  return reading;
}

export function dataOf(event: unknown): string {
  return typeof event === 'string' ? event : JSON.stringify(event);
}

/** The same of a stream that comes in pieces of these sizes. */
export function readInPieces(surface: Surface, events: readonly unknown[], sizes: readonly number[]): StreamReading {
  const bytes = Buffer.from(events.map((event) => `data: ${dataOf(event)}\n\n`).join(''));
  const splitter = createEventSplitter();
  const reading = newStreamReading();
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    for (const { data } of splitter.push(bytes.subarray(at, at + size))) {
      if (data !== null) surface.readEvent(data, reading);
    }
    at += size;
  }
  return reading;
}

/** Sizes of pieces, small ones too, so that letters and line ends are cut. */
export const pieceSizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 90 })), {
  minLength: 1,
  maxLength: 12,
});

export const words = fc.array(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }), {
  minLength: 1,
  maxLength: 8,
});
