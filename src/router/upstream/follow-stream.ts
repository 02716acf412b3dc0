import type { TerminalOutcome } from '../../contracts/event.ts';
import type { StreamAnswer } from './attempt.ts';

/** How a stream ended after its commit point. */
export interface StreamEnd {
  outcome: TerminalOutcome;
  errorCode: string | null;
}

/** `brokenOff`: in words for the client, where the answer is not whole and nothing in the stream says so. */
export type FollowedEnd = StreamEnd & { brokenOff: string | null };

export interface FollowOptions {
  /** Aborts when nobody wants the stream any more. */
  signal: AbortSignal;
  /** Longest silence of the provider, and longest time in which `take` takes nothing. */
  idleMs: number;
  /** What the client gets, piece by piece; resolves when there is room for more. */
  take(chunk: Uint8Array): void | Promise<unknown>;
}

/**
 * Follows a stream to its end at the pace of whoever takes it; `cancelled` where that one stood still. Never throws; the
 * call is ended whatever happens.
 */
export async function followStream(answer: StreamAnswer, options: FollowOptions): Promise<FollowedEnd> {
  const { signal, idleMs, take } = options;
  const { reader } = answer;
  const { reading } = reader;
  let stalled: 'provider' | 'client' | null = null;
  let waitsFor: 'provider' | 'client' = 'provider';
  let endWait: () => void = () => undefined;
  const idle = setTimeout(() => {
    stalled = waitsFor;
    answer.abort();
    endWait();
  }, idleMs);
  signal.addEventListener('abort', answer.abort, { once: true });
  const isStalled = (side: 'provider' | 'client'): boolean => stalled === side;

  async function hand(chunk: Uint8Array): Promise<void> {
    if (chunk.length === 0) return;
    const room = take(chunk);
    if (room === undefined) return;
    waitsFor = 'client';
    idle.refresh();
    await Promise.race([room, new Promise<void>((resolve) => (endWait = resolve))]);
    if (isStalled('client')) throw new Error('nobody takes the stream');
    waitsFor = 'provider';
  }

  try {
    signal.throwIfAborted();
    for (const chunk of answer.head) await hand(chunk);
    for (;;) {
      idle.refresh();
      const next = await answer.rest.next();
      if (next.done === true) break;
      await hand(reader.feed(next.value));
    }
    await hand(reader.rest());
    if (reading.problem !== null) {
      return ended('failure', reading.problem === 'error' ? 'stream_error' : 'bad_response');
    }
    return reading.isFinished
      ? ended('success', null)
      : ended('failure', 'network', 'the provider ended the stream before the answer was complete');
  } catch {
    // Which side failed is known from the signals; the error itself adds nothing.
    answer.abort();
    if (signal.aborted || isStalled('client')) return ended('cancelled', null);
    return isStalled('provider')
      ? ended('timeout', 'timeout', `the provider was silent for ${idleMs} ms`)
      : ended('failure', 'network', 'the connection to the provider broke');
  } finally {
    clearTimeout(idle);
    signal.removeEventListener('abort', answer.abort);
  }
}

function ended(outcome: TerminalOutcome, errorCode: string | null, brokenOff: string | null = null): FollowedEnd {
  return { outcome, errorCode, brokenOff };
}
