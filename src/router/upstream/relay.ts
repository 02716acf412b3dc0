import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { SignalboxError } from '../../platform/core/errors.ts';
import { errorBody } from '../../platform/http/error-reply.ts';
import type { StreamEnd } from '../gateway.ts';
import type { StreamAnswer } from './attempt.ts';

export interface RelayOptions {
  /** Aborts when the client is gone. */
  clientSignal: AbortSignal;
  /** Longest silence of the provider within the stream. */
  idleMs: number;
}

/**
 * Hands a stream on byte for byte, at the pace of the client. When the provider breaks off, the client gets an error
 * event, since the status was sent long ago. Never throws.
 */
export async function relayStream(
  raw: ServerResponse,
  answer: StreamAnswer,
  options: RelayOptions,
): Promise<StreamEnd> {
  const { clientSignal, idleMs } = options;
  const { monitor } = answer;
  let stalled = false;
  const idle = setTimeout(() => {
    stalled = true;
    answer.abort();
  }, idleMs);
  const onClientGone = (): void => answer.abort();
  clientSignal.addEventListener('abort', onClientGone, { once: true });

  async function write(chunk: Uint8Array): Promise<void> {
    if (raw.write(chunk)) return;
    await once(raw, 'drain', { signal: clientSignal });
  }

  try {
    clientSignal.throwIfAborted();
    for (const chunk of answer.head) await write(chunk);
    for (;;) {
      // A slow client is not the provider's silence.
      idle.refresh();
      const next = await answer.rest.next();
      if (next.done === true) break;
      monitor.feed(next.value);
      await write(next.value);
    }
    if (monitor.problem !== null) {
      return end(raw, 'failure', monitor.problem.kind === 'error' ? 'stream_error' : 'bad_response');
    }
    if (monitor.isFinished) return end(raw, 'success', null);
    return breakOff(raw, 'the provider ended the stream before the answer was complete', 'network');
  } catch {
    // Which side failed is known from the signals; the error itself adds nothing.
    answer.abort();
    if (clientSignal.aborted) return { outcome: 'cancelled', errorCode: null };
    return stalled
      ? breakOff(raw, `the provider was silent for ${idleMs} ms`, 'timeout')
      : breakOff(raw, 'the connection to the provider broke', 'network');
  } finally {
    clearTimeout(idle);
    clientSignal.removeEventListener('abort', onClientGone);
  }
}

function end(raw: ServerResponse, outcome: StreamEnd['outcome'], errorCode: string | null): StreamEnd {
  raw.end();
  return { outcome, errorCode };
}

function breakOff(raw: ServerResponse, message: string, errorCode: 'network' | 'timeout'): StreamEnd {
  const error = new SignalboxError(errorCode === 'timeout' ? 'deadline_exceeded' : 'upstream_failed', message);
  // The blank line first ends an event that was cut in the middle.
  raw.end(`\n\ndata: ${JSON.stringify(errorBody(error))}\n\n`);
  return { outcome: errorCode === 'timeout' ? 'timeout' : 'failure', errorCode };
}
