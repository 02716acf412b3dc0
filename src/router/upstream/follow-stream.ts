import type { TerminalOutcome } from '../../contracts/event.ts';
import type { StreamReading } from '../surfaces/surface.ts';
import type { StreamAnswer } from './attempt.ts';

/** How a stream ended after its commit point. */
export interface StreamEnd {
  outcome: TerminalOutcome;
  errorCode: string | null;
}

export interface FollowedEnd extends StreamEnd {
  /** In words for the client, where the answer is not whole and nothing in the stream says so. */
  brokenOff: string | null;
  /** Nobody takes what is left of it. */
  isLeft: boolean;
}

export interface FollowOptions {
  /** Aborts when nobody wants the stream any more. */
  signal: AbortSignal;
  /** Longest silence of the provider, and longest time in which `take` takes nothing. */
  idleMs: number;
  /** What the client gets, piece by piece; resolves when there is room for more. */
  take(chunk: Uint8Array): void | Promise<unknown>;
  /**
   * Told once how the stream ended: before the event that ends it is handed on, or, where that does not come, at its end.
   * What becomes of the stream after that event changes nothing.
   */
  onEnd?(end: StreamEnd): void;
}

/**
 * Follows a stream to its end at the pace of whoever takes it; `cancelled` where that one stood still. Never throws; the
 * call is ended whatever happens.
 */
export async function followStream(answer: StreamAnswer, options: FollowOptions): Promise<FollowedEnd> {
  const { signal, idleMs, take, onEnd } = options;
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

  let told: FollowedEnd | null = null;
  function end(as: FollowedEnd): FollowedEnd {
    if (told === null) {
      told = as;
      onEnd?.({ outcome: as.outcome, errorCode: as.errorCode });
    }
    return told;
  }

  async function hand(chunk: Uint8Array): Promise<void> {
    if (chunk.length === 0) return;
    if (reading.hasEnded && onEnd !== undefined) end(endOf(reading));
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
    return end(endOf(reading));
  } catch {
    // Which side failed is known from the signals; the error itself adds nothing.
    answer.abort();
    if (signal.aborted || isStalled('client')) return { ...end(ended('cancelled', null)), isLeft: true };
    return end(
      isStalled('provider')
        ? ended('timeout', 'timeout', `the provider was silent for ${idleMs} ms`)
        : ended('failure', 'network', 'the connection to the provider broke'),
    );
  } finally {
    clearTimeout(idle);
    signal.removeEventListener('abort', answer.abort);
  }
}

/** As the stream itself says. */
function endOf({ problem, isFinished }: StreamReading): FollowedEnd {
  if (problem !== null) return ended('failure', problem === 'error' ? 'stream_error' : 'bad_response');
  return isFinished
    ? ended('success', null)
    : ended('failure', 'network', 'the provider ended the stream before the answer was complete');
}

function ended(outcome: TerminalOutcome, errorCode: string | null, brokenOff: string | null = null): FollowedEnd {
  return { outcome, errorCode, brokenOff, isLeft: false };
}
