import { createEventSplitter } from '../surfaces/event-stream.ts';
import { createCompletionAssembler } from '../surfaces/chat/assemble.ts';
import type { StreamAnswer } from './attempt.ts';
import { followStream, type StreamEnd } from './follow-stream.ts';

/** A stream of a chat completion that was read to its end. */
export interface CollectedStream {
  end: StreamEnd;
  /** Byte for byte, as a client would have got it. */
  chunks: Uint8Array[];
  /** The completion that it makes. */
  document: Record<string, unknown>;
}

/** Largest answer that is kept in memory for later. */
const maxCollectedBytes = 16 * 1024 * 1024;

/** Reads a stream to its end; `onText` is given each new piece of text. Never throws. */
export async function collectStream(
  answer: StreamAnswer,
  options: { signal: AbortSignal; idleMs: number; onText?: (piece: string) => void },
): Promise<CollectedStream> {
  const { signal, idleMs, onText } = options;
  const splitter = createEventSplitter();
  const assembler = createCompletionAssembler();
  const chunks: Uint8Array[] = [];
  let size = 0;
  let toldOf = 0;
  const { outcome, errorCode } = await followStream(answer, {
    signal,
    idleMs,
    take(chunk) {
      size += chunk.length;
      if (size > maxCollectedBytes) throw new Error('the answer is too large');
      chunks.push(chunk);
      for (const { data } of splitter.push(chunk)) if (data !== null) assembler.push(data);
      const text = assembler.text();
      if (onText === undefined || text.length === toldOf) return;
      onText(text.slice(toldOf));
      toldOf = text.length;
    },
  });
  return { end: { outcome, errorCode }, chunks, document: assembler.document() };
}
