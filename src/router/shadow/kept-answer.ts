import { createEventSplitter } from '../surfaces/event-stream.ts';
import { createCompletionAssembler } from '../surfaces/chat/assemble.ts';
import { parseObject } from '../surfaces/surface.ts';

/** The answer that a user gets, kept for the comparison and no longer. */
export interface KeptAnswer {
  /** A piece of a stream on its way, or the whole answer. */
  take(chunk: Uint8Array): void;
  isTooLarge(): boolean;
  /** The completion, once it is over; null where what came is none. */
  document(): Record<string, unknown> | null;
}

/** Largest answer that is kept. */
const mostBytes = 1024 * 1024;

export function createKeptAnswer(isStream: boolean): KeptAnswer {
  let chunks: Uint8Array[] = [];
  let size = 0;
  return {
    take(chunk) {
      size += chunk.length;
      if (size > mostBytes) chunks = [];
      else chunks.push(chunk);
    },
    isTooLarge: () => size > mostBytes,
    document() {
      if (size > mostBytes) return null;
      if (!isStream) return parseObject(Buffer.concat(chunks).toString('utf8'));
      const splitter = createEventSplitter();
      const assembler = createCompletionAssembler();
      for (const chunk of chunks) for (const { data } of splitter.push(chunk)) if (data !== null) assembler.push(data);
      return assembler.document();
    },
  };
}
