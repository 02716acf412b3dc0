import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { SignalboxError } from '../../platform/core/errors.ts';
import type { Surface } from '../surfaces/surface.ts';
import type { StreamAnswer } from './attempt.ts';
import { followStream, type StreamEnd } from './follow-stream.ts';

export interface RelayOptions {
  surface: Surface;
  /** Aborts when the client is gone. */
  clientSignal: AbortSignal;
  /** Longest silence of the provider within the stream, and longest time in which a client takes nothing. */
  idleMs: number;
  /** Sees what the client gets. */
  onChunk?: ((chunk: Uint8Array) => void) | undefined;
  /** See `FollowOptions.onEnd`: the client has not got the end of the stream yet. */
  onEnd(end: StreamEnd): void;
}

/**
 * Hands a stream on at the pace of the client. When the provider breaks off, the client gets an error event, since the
 * status was sent long ago. Never throws.
 */
export async function relayStream(
  raw: ServerResponse,
  answer: StreamAnswer,
  { surface, clientSignal, idleMs, onChunk, onEnd }: RelayOptions,
): Promise<void> {
  const { outcome, brokenOff, isLeft } = await followStream(answer, {
    signal: clientSignal,
    idleMs,
    onEnd,
    take(chunk) {
      onChunk?.(chunk);
      return raw.write(chunk) ? undefined : once(raw, 'drain', { signal: clientSignal });
    },
  });
  if (isLeft) raw.destroy();
  else if (brokenOff === null) raw.end();
  else {
    // The blank line first ends an event that was cut in the middle.
    raw.write('\n\n');
    const code = outcome === 'timeout' ? 'deadline_exceeded' : 'upstream_failed';
    raw.end(surface.errorEvent(new SignalboxError(code, brokenOff)));
  }
}
