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
const maxCollectedBytes = 4 * 1024 * 1024;

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

/**
 * Reads a stream until it answers with text or a call. `head` is then what of it the client gets up to there, and the rest
 * still to be followed; or it has ended without. Never throws.
 */
export async function readToAnswer(
  answer: StreamAnswer,
  { signal, idleMs }: { signal: AbortSignal; idleMs: number },
): Promise<{ head: Uint8Array[] } | { end: StreamEnd }> {
  const splitter = createEventSplitter();
  const assembler = createCompletionAssembler();
  const head: Uint8Array[] = [];
  let size = 0;
  const take = (chunk: Uint8Array): void => {
    size += chunk.length;
    head.push(chunk);
    for (const { data } of splitter.push(chunk)) if (data !== null) assembler.push(data);
  };
  for (const chunk of answer.head) take(chunk);
  if (assembler.answers()) return { head };
  const { reader } = answer;
  const stalled = new AbortController();
  const idle = setTimeout(() => stalled.abort(), idleMs);
  const ended = AbortSignal.any([signal, stalled.signal]);
  ended.addEventListener('abort', answer.abort, { once: true });
  try {
    ended.throwIfAborted();
    for (;;) {
      const next = await answer.rest.next();
      if (next.done === true) break;
      idle.refresh();
      take(reader.feed(next.value));
      if (reader.reading.problem !== null) throw new Error('the stream reports a problem');
      if (assembler.answers()) return { head };
      if (size > maxCollectedBytes) throw new Error('the stream does not answer');
    }
    return {
      end: {
        outcome: reader.reading.isFinished ? 'success' : 'failure',
        errorCode: reader.reading.isFinished ? null : 'network',
      },
    };
  } catch {
    answer.abort();
    if (signal.aborted) return { end: { outcome: 'cancelled', errorCode: null } };
    return {
      end: stalled.signal.aborted
        ? { outcome: 'timeout', errorCode: 'timeout' }
        : { outcome: 'failure', errorCode: 'stream_error' },
    };
  } finally {
    clearTimeout(idle);
    ended.removeEventListener('abort', answer.abort);
  }
}
