import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { TerminalOutcome } from '../../contracts/event.ts';
import { SignalboxError } from '../../platform/core/errors.ts';
import type { Surface } from '../surfaces/surface.ts';
import type { StreamAnswer } from './attempt.ts';

/** How a stream ended after its commit point. */
export interface StreamEnd {
  outcome: TerminalOutcome;
  errorCode: string | null;
}

export interface RelayOptions {
  surface: Surface;
  /** Aborts when the client is gone. */
  clientSignal: AbortSignal;
  /** Longest silence of the provider within the stream, and longest time in which a client takes nothing. */
  idleMs: number;
}

/**
 * Hands a stream on at the pace of the client. When the provider breaks off, the client gets an error event, since the
 * status was sent long ago. Never throws.
 */
export async function relayStream(
  raw: ServerResponse,
  answer: StreamAnswer,
  options: RelayOptions,
): Promise<StreamEnd> {
  const { surface, clientSignal, idleMs } = options;
  const { reader } = answer;
  const { reading } = reader;
  let stalled: 'provider' | 'client' | null = null;
  let waitsFor: 'provider' | 'client' = 'provider';
  const idle = setTimeout(() => {
    stalled = waitsFor;
    answer.abort();
    if (waitsFor === 'client') raw.destroy();
  }, idleMs);
  clientSignal.addEventListener('abort', answer.abort, { once: true });

  async function write(chunk: Uint8Array): Promise<void> {
    if (chunk.length === 0 || raw.write(chunk)) return;
    waitsFor = 'client';
    idle.refresh();
    await once(raw, 'drain', { signal: clientSignal });
    waitsFor = 'provider';
  }

  try {
    clientSignal.throwIfAborted();
    for (const chunk of answer.head) await write(chunk);
    for (;;) {
      idle.refresh();
      const next = await answer.rest.next();
      if (next.done === true) break;
      await write(reader.feed(next.value));
    }
    await write(reader.rest());
    if (reading.problem !== null) {
      return end(raw, 'failure', reading.problem === 'error' ? 'stream_error' : 'bad_response');
    }
    if (reading.isFinished) return end(raw, 'success', null);
    return breakOff(raw, surface, 'the provider ended the stream before the answer was complete', 'network');
  } catch {
    // Which side failed is known from the signals; the error itself adds nothing.
    answer.abort();
    if (clientSignal.aborted || isOf(stalled, 'client')) return { outcome: 'cancelled', errorCode: null };
    return isOf(stalled, 'provider')
      ? breakOff(raw, surface, `the provider was silent for ${idleMs} ms`, 'timeout')
      : breakOff(raw, surface, 'the connection to the provider broke', 'network');
  } finally {
    clearTimeout(idle);
    clientSignal.removeEventListener('abort', answer.abort);
  }
}

/** What a timer sets, the compiler takes for unchanged. */
function isOf(stalled: 'provider' | 'client' | null, side: 'provider' | 'client'): boolean {
  return stalled === side;
}

function end(raw: ServerResponse, outcome: StreamEnd['outcome'], errorCode: string | null): StreamEnd {
  raw.end();
  return { outcome, errorCode };
}

function breakOff(raw: ServerResponse, surface: Surface, message: string, errorCode: 'network' | 'timeout'): StreamEnd {
  const error = new SignalboxError(errorCode === 'timeout' ? 'deadline_exceeded' : 'upstream_failed', message);
  // The blank line first ends an event that was cut in the middle.
  raw.write('\n\n');
  raw.end(surface.errorEvent(error));
  return { outcome: errorCode === 'timeout' ? 'timeout' : 'failure', errorCode };
}
