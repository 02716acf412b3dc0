import { createEventSplitter } from '../../surfaces/event-stream.ts';

/**
 * A `fetch` for the adapters. It follows no redirect, for the headers by which Anthropic and Azure know a key, and the prompt,
 * would go wherever the answer points. What is kept in memory is at most `maxBytes` after decompression: of a whole answer,
 * or of an event of a stream; the body of a longer one breaks off.
 */
export function createGuardedFetch(maxBytes: number): typeof fetch {
  return async (input, init) => {
    const answer = await fetch(input, { ...init, redirect: 'manual' });
    if (answer.body === null) return answer;
    const isStream = answer.headers.get('content-type')?.includes('text/event-stream') === true;
    return new Response(
      answer.body.pipeThrough(watched(isStream ? eventWatch(maxBytes) : sizeWatch(maxBytes))),
      answer,
    );
  };
}

/** Sees each chunk, and throws where it is one too many. */
type Watch = (chunk: Uint8Array) => void;

function watched(watch: Watch): TransformStream<Uint8Array, Uint8Array> {
  return new TransformStream({
    transform(chunk, controller) {
      watch(chunk);
      controller.enqueue(chunk);
    },
  });
}

function sizeWatch(maxBytes: number): Watch {
  let bytes = 0;
  return (chunk) => {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new RangeError(`the answer is longer than ${maxBytes} bytes`);
  };
}

function eventWatch(maxBytes: number): Watch {
  const splitter = createEventSplitter(maxBytes);
  return (chunk) => void splitter.push(chunk);
}
