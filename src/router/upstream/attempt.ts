import { messageOf, SignalboxError } from '../../platform/core/errors.ts';
import { errorBody } from '../../platform/http/error-reply.ts';
import type { TokenUsage } from '../predict/cost.ts';
import { classifyStatus, type Failure } from './failure.ts';
import { createStreamMonitor, type StreamMonitor } from './stream-monitor.ts';
import type { CallUpstream, UpstreamReply, UpstreamRequest } from './upstream.ts';
import { usageFrom } from './usage.ts';

/** Largest whole answer and largest head of a stream that is kept in memory. */
const maxBufferedBytes = 64 * 1024 * 1024;

export interface WholeAnswer {
  kind: 'whole';
  status: number;
  contentType: string;
  body: Buffer;
  usage: TokenUsage | null;
  responseModel: string | null;
}

/** A stream that has shown its first content token. `head` holds all bytes up to there, `rest` those that follow. */
export interface StreamAnswer {
  kind: 'stream';
  contentType: string;
  head: readonly Uint8Array[];
  rest: AsyncIterator<Uint8Array>;
  monitor: StreamMonitor;
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
  request: Omit<UpstreamRequest, 'signal'>;
  /** Aborts when the client is gone. */
  clientSignal: AbortSignal;
  /** Time for the whole answer, or for the first content token of a stream. */
  timeoutMs: number;
  nowMs(): number;
}

/** Makes one call and follows it up to its commit point. Never throws: what goes wrong is a result. */
export async function runAttempt(call: CallUpstream, options: AttemptOptions): Promise<AttemptResult> {
  const { request, clientSignal, timeoutMs, nowMs } = options;
  const startedAtMs = nowMs();
  const attempt = new AbortController();
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    attempt.abort();
  }, timeoutMs);
  const onClientGone = (): void => attempt.abort();
  clientSignal.addEventListener('abort', onClientGone, { once: true });
  const release = (): void => {
    clearTimeout(timer);
    clientSignal.removeEventListener('abort', onClientGone);
  };

  try {
    if (clientSignal.aborted) return { kind: 'cancelled' };
    const reply = await call({ ...request, signal: attempt.signal });
    if (reply.status !== 200) return await readFailure(reply);
    if (!request.stream) return await readWhole(reply);
    const result = await readHead(reply, () => attempt.abort());
    if (result.kind === 'failed') {
      attempt.abort();
      return result;
    }
    return { ...result, timeToFirstTokenMs: nowMs() - startedAtMs };
  } catch (error) {
    attempt.abort();
    if (clientSignal.aborted) return { kind: 'cancelled' };
    if (timedOut) return failed('timeout');
    if (error instanceof SignalboxError) return unsupported(error);
    return error instanceof BadResponse ? failed('bad_response') : failed('network');
  } finally {
    release();
  }
}

/** The provider answered with something that is no answer: HTML, broken JSON, an endless body. */
class BadResponse extends Error {}

function failed(failureClass: Failure['class'], status: number | null = null): FailedAttempt {
  return { kind: 'failed', failure: { class: failureClass, status, retryAfterSeconds: null }, relay: null };
}

/** An adapter could not translate the request; what it says is for the client where no other model can answer. */
function unsupported(error: SignalboxError): FailedAttempt {
  return {
    kind: 'failed',
    failure: { class: 'unsupported', status: error.status, retryAfterSeconds: null },
    relay: {
      status: error.status,
      contentType: 'application/json; charset=utf-8',
      body: Buffer.from(JSON.stringify(errorBody(error))),
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

async function readWhole(reply: UpstreamReply): Promise<WholeAnswer> {
  const body = await readAll(reply);
  const document = parseDocument(body);
  const { model } = document;
  return {
    kind: 'whole',
    status: reply.status,
    contentType: reply.contentType,
    body,
    usage: usageFrom(document['usage']),
    responseModel: typeof model === 'string' ? model : null,
  };
}

function parseDocument(body: Buffer): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch (error) {
    throw new BadResponse(messageOf(error), { cause: error });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new BadResponse('not an object');
  return value as Record<string, unknown>;
}

async function readAll(reply: UpstreamReply): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of reply.body) {
    size += chunk.length;
    if (size > maxBufferedBytes) throw new BadResponse('the answer is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Reads a stream up to its first content token, or to its end where an answer is complete without one. */
async function readHead(
  reply: UpstreamReply,
  abort: () => void,
): Promise<Omit<StreamAnswer, 'timeToFirstTokenMs'> | FailedAttempt> {
  if (!reply.contentType.includes('text/event-stream')) throw new BadResponse('not an event stream');
  const monitor = createStreamMonitor();
  const rest = reply.body[Symbol.asyncIterator]();
  const head: Uint8Array[] = [];
  let size = 0;
  while (!monitor.hasContent) {
    const next = await rest.next();
    if (next.done === true) {
      if (monitor.isFinished) break;
      throw new BadResponse('the stream ended before any content');
    }
    size += next.value.length;
    if (size > maxBufferedBytes) throw new BadResponse('the stream has no content');
    head.push(next.value);
    monitor.feed(next.value);
    // Content and a problem in one read: what came first in the stream is not known, so nothing of it is used.
    if (monitor.problem !== null) return failed(monitor.problem.kind === 'error' ? 'server' : 'bad_response');
  }
  return { kind: 'stream', contentType: reply.contentType, head, rest, monitor, abort };
}
