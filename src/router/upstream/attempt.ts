import { messageOf, SignalboxError } from '../../platform/core/errors.ts';
import { wantsUsage } from '../surfaces/chat/answer.ts';
import { type AnswerReading, isObject } from '../surfaces/surface.ts';
import { classifyStatus, type Failure } from './failure.ts';
import { createStreamReader, type StreamReader } from './stream-reader.ts';
import {
  type CallUpstream,
  type ClientRequest,
  maxAnswerBytes,
  type UpstreamReply,
  type UpstreamRequest,
} from './upstream.ts';

export interface WholeAnswer extends AnswerReading {
  kind: 'whole';
  status: number;
  contentType: string;
  headers: Readonly<Record<string, string>>;
  body: Buffer;
}

/** A stream that has shown its first content token. `head` holds what the client gets of it up to there. */
export interface StreamAnswer {
  kind: 'stream';
  contentType: string;
  headers: Readonly<Record<string, string>>;
  head: readonly Uint8Array[];
  /** The chunks that follow, still to be fed to the reader. */
  rest: AsyncIterator<Uint8Array>;
  reader: StreamReader;
  timeToFirstTokenMs: number;
  /** Ends the call upstream. */
  abort(): void;
}

/** `relay` holds the provider's own error document, for the client where nothing else can answer. */
export interface FailedAttempt {
  kind: 'failed';
  failure: Failure;
  relay: { status: number; contentType: string; body: Buffer } | null;
}

export type AttemptResult = WholeAnswer | StreamAnswer | FailedAttempt | { kind: 'cancelled' };

export interface AttemptOptions {
  upstream: Omit<UpstreamRequest, 'signal'>;
  /** Aborts when the client is gone, or when another call has answered. */
  cancelSignal: AbortSignal;
  /** Time for the whole answer, or for the first content token of a stream. */
  timeoutMs: number;
  nowMs(): number;
}

/** Makes one call and follows it up to its commit point. Never throws: what goes wrong is a result. */
export async function runAttempt(call: CallUpstream, options: AttemptOptions): Promise<AttemptResult> {
  const { upstream, cancelSignal, timeoutMs, nowMs } = options;
  const { request } = upstream;
  if (cancelSignal.aborted) return { kind: 'cancelled' };
  const startedAtMs = nowMs();
  const attempt = new AbortController();
  const abort = (): void => attempt.abort();
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    attempt.abort();
  }, timeoutMs);
  cancelSignal.addEventListener('abort', abort, { once: true });

  try {
    const reply = await call({ ...upstream, signal: attempt.signal });
    if (reply.status !== 200) return await readFailure(reply);
    if (!request.stream) return await readWhole(reply, request);
    const result = await readHead(reply, request);
    if (result.kind === 'failed') {
      abort();
      return result;
    }
    return { ...result, abort, timeToFirstTokenMs: nowMs() - startedAtMs };
  } catch (error) {
    abort();
    if (cancelSignal.aborted) return { kind: 'cancelled' };
    if (timedOut) return failed('timeout');
    if (error instanceof SignalboxError) return unsupported(error, request);
    return error instanceof BadResponse ? failed('bad_response') : failed('network');
  } finally {
    clearTimeout(timer);
    cancelSignal.removeEventListener('abort', abort);
  }
}

/** The provider answered with something that is no answer: HTML, broken JSON, an endless body. */
class BadResponse extends Error {}

function failed(failureClass: Failure['class'], status: number | null = null): FailedAttempt {
  return { kind: 'failed', failure: { class: failureClass, status, retryAfterSeconds: null }, relay: null };
}

/** An adapter could not translate the request; what it says is for the client where no other model can answer. */
function unsupported(error: SignalboxError, { surface }: ClientRequest): FailedAttempt {
  return {
    kind: 'failed',
    failure: { class: 'unsupported', status: error.status, retryAfterSeconds: null },
    relay: {
      status: error.status,
      contentType: 'application/json; charset=utf-8',
      body: Buffer.from(JSON.stringify(surface.errorBody(error))),
    },
  };
}

async function readFailure(reply: UpstreamReply): Promise<FailedAttempt> {
  const body = await readAll(reply);
  return {
    kind: 'failed',
    failure: {
      class: classifyStatus(reply.status),
      status: reply.status,
      retryAfterSeconds: reply.retryAfterSeconds,
    },
    relay: reply.contentType.includes('json') ? { status: reply.status, contentType: reply.contentType, body } : null,
  };
}

async function readWhole(reply: UpstreamReply, { surface }: ClientRequest): Promise<WholeAnswer> {
  const body = await readAll(reply);
  const { status, contentType, headers } = reply;
  return { kind: 'whole', status, contentType, headers, body, ...surface.readAnswer(parseDocument(body)) };
}

function parseDocument(body: Buffer): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch (error) {
    throw new BadResponse(messageOf(error), { cause: error });
  }
  if (!isObject(value)) throw new BadResponse('not an object');
  return value;
}

async function readAll(reply: UpstreamReply): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of reply.body) {
    size += chunk.length;
    if (size > maxAnswerBytes) throw new BadResponse('the answer is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

type Head = Omit<StreamAnswer, 'timeToFirstTokenMs' | 'abort'>;

/** Reads a stream up to its first content token, or to its end where an answer is complete without one. */
async function readHead(
  reply: UpstreamReply,
  { surface, body, keepsUsage = false }: ClientRequest,
): Promise<Head | FailedAttempt> {
  const { contentType, headers } = reply;
  if (!contentType.includes('text/event-stream')) throw new BadResponse('not an event stream');
  const reader = createStreamReader(surface, surface.name === 'chat' && !keepsUsage && !wantsUsage(body));
  const { reading } = reader;
  const rest = reply.body[Symbol.asyncIterator]();
  const head: Uint8Array[] = [];
  let size = 0;
  while (!reading.hasContent) {
    const next = await rest.next();
    if (next.done === true) {
      if (reading.isFinished) break;
      throw new BadResponse('the stream ended before any content');
    }
    size += next.value.length;
    if (size > maxAnswerBytes) throw new BadResponse('the stream has no content');
    head.push(reader.feed(next.value));
    // Nothing was sent yet: a stream that is known to go wrong is better answered by another model.
    if (reading.problem !== null) return failed(reading.problem === 'error' ? 'server' : 'bad_response');
  }
  return { kind: 'stream', contentType, headers, head, rest, reader };
}
