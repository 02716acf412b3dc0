import { createEventSplitter } from '../surfaces/event-stream.ts';
import { newStreamReading, type StreamReading, type Surface } from '../surfaces/surface.ts';

/** Watches a stream on its way to the client. */
export interface StreamReader {
  readonly reading: StreamReading;
  /** Reads a chunk, and returns what of it the client gets now. */
  feed(chunk: Uint8Array): Uint8Array;
  /** What the client gets when the stream is over. */
  rest(): Uint8Array;
}

const nothing = new Uint8Array();

/**
 * Without `dropUsage` every byte passes as it comes. With it, the event that holds nothing but the usage stays here,
 * because the client did not ask for it; all other events pass byte for byte, each when it is whole.
 */
export function createStreamReader(surface: Surface, dropUsage: boolean): StreamReader {
  const splitter = createEventSplitter();
  const reading = newStreamReading();

  return {
    reading,
    feed(chunk) {
      const events = splitter.push(chunk);
      const kept: Uint8Array[] = [];
      for (const { bytes, data } of events) {
        const isUsageOnly = data !== null && surface.readEvent(data, reading);
        if (!isUsageOnly) kept.push(bytes);
      }
      if (!dropUsage) return chunk;
      return kept.length === 1 ? (kept[0] ?? nothing) : Buffer.concat(kept);
    },
    rest: () => (dropUsage ? splitter.rest() : nothing),
  };
}
