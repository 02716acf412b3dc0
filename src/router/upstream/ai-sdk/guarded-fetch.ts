import { createEventSplitter } from '../../surfaces/event-stream.ts';

/**
 * A `fetch` for the adapters. It follows no redirect, for the headers by which Anthropic and Azure know a key, and the prompt,
 * would go wherever the answer points. What is kept in memory is at most `maxBytes` after decompression: of a whole answer,
 * or of an event of a stream, server-sent or Amazon's; the body of a longer one breaks off.
 */
export function createGuardedFetch(maxBytes: number): typeof fetch {
  return async (input, init) => {
    const answer = await fetch(input, { ...init, redirect: 'manual' });
    if (answer.body === null) return answer;
    const watch = watchOf(answer.headers.get('content-type') ?? '');
    return new Response(answer.body.pipeThrough(watched(watch(maxBytes))), answer);
  };
}

function watchOf(contentType: string): (maxBytes: number) => Watch {
  if (contentType.includes('text/event-stream')) return eventWatch;
  return contentType.includes('application/vnd.amazon.eventstream') ? frameWatch : sizeWatch;
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

/** A frame of Amazon's event streams begins with its whole length: four bytes, the highest first. */
function frameWatch(maxBytes: number): Watch {
  let prefix = 0;
  let prefixBytes = 0;
  let bodyBytes = 0;
  return (chunk) => {
    for (let at = 0; at < chunk.length;) {
      if (bodyBytes > 0) {
        const taken = Math.min(bodyBytes, chunk.length - at);
        bodyBytes -= taken;
        at += taken;
        continue;
      }
      prefix = prefix * 256 + (chunk[at] ?? 0);
      prefixBytes += 1;
      at += 1;
      if (prefixBytes < 4) continue;
      if (prefix > maxBytes) throw new RangeError(`an event is longer than ${maxBytes} bytes`);
      bodyBytes = Math.max(0, prefix - prefixBytes);
      [prefix, prefixBytes] = [0, 0];
    }
  };
}
