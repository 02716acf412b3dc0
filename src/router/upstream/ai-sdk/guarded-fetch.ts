import { createEventSplitter } from '../../surfaces/event-stream.ts';
import { maxAnswerBytes } from '../upstream.ts';

/**
 * `fetch` for the adapters. It follows no redirect, for the headers by which Anthropic and Azure know a key, and the prompt,
 * would go wherever the answer points. What is kept in memory is bounded after decompression: a whole answer, or an event
 * of a stream; the body of a longer one breaks off.
 */
export async function guardedFetch(
  input: Parameters<typeof fetch>[0],
  init?: Parameters<typeof fetch>[1],
): Promise<Response> {
  const answer = await fetch(input, { ...init, redirect: 'manual' });
  if (answer.body === null) return answer;
  const isStream = answer.headers.get('content-type')?.includes('text/event-stream') === true;
  return new Response(answer.body.pipeThrough(bounded(isStream ? eventWatch() : sizeWatch())), answer);
}

/** Sees each chunk, and throws where it is one too many. */
type Watch = (chunk: Uint8Array) => void;

function bounded(watch: Watch): TransformStream<Uint8Array, Uint8Array> {
  return new TransformStream({
    transform(chunk, controller) {
      watch(chunk);
      controller.enqueue(chunk);
    },
  });
}

function sizeWatch(): Watch {
  let bytes = 0;
  return (chunk) => {
    bytes += chunk.length;
    if (bytes > maxAnswerBytes) throw new RangeError(`the answer is longer than ${maxAnswerBytes} bytes`);
  };
}

function eventWatch(): Watch {
  const splitter = createEventSplitter(maxAnswerBytes);
  return (chunk) => void splitter.push(chunk);
}
