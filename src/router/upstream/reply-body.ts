/** The sender of a body, which can be told to wait. */
export interface BodySource {
  pause(): void;
  resume(): void;
  abort(): void;
}

/** A body on its way: what arrives waits here until it is read, and the sender waits when it is too much. */
export interface ReplyBody extends AsyncIterable<Uint8Array> {
  push(chunk: Uint8Array): void;
  end(): void;
  fail(error: Error): void;
}

/** Bytes that may wait for a slow reader before the sender has to. */
const highWaterBytes = 256 * 1024;

/** A body is read once. Leaving its iteration early ends the call. */
export function createReplyBody(source: BodySource): ReplyBody {
  let chunks: Uint8Array[] = [];
  let waitingBytes = 0;
  let isPaused = false;
  let isEnded = false;
  let error: Error | null = null;
  let wake: (() => void) | null = null;

  function signal(): void {
    wake?.();
    wake = null;
  }

  async function next(): Promise<IteratorResult<Uint8Array, undefined>> {
    for (;;) {
      const chunk = chunks.length > 1 ? Buffer.concat(chunks) : chunks[0];
      if (chunk !== undefined) {
        chunks = [];
        waitingBytes = 0;
        if (isPaused) {
          isPaused = false;
          source.resume();
        }
        return { done: false, value: chunk };
      }
      if (error !== null) throw error;
      if (isEnded) return { done: true, value: undefined };
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }

  return {
    push(chunk) {
      chunks.push(chunk);
      waitingBytes += chunk.length;
      if (waitingBytes > highWaterBytes && !isPaused) {
        isPaused = true;
        source.pause();
      }
      signal();
    },
    end() {
      isEnded = true;
      signal();
    },
    fail(reason) {
      error ??= reason;
      signal();
    },
    [Symbol.asyncIterator]: () => ({
      next,
      return() {
        if (!isEnded && error === null) source.abort();
        return Promise.resolve({ done: true, value: undefined });
      },
    }),
  };
}
