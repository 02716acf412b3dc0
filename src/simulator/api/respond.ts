import type { ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { sleep, systemClock } from '../../platform/core/clock.ts';
import type { Call, Pace } from '../engine.ts';
import type { Fault } from '../faults.ts';
import type { RequestTally } from '../stats.ts';
import type { Encoding } from './frames.ts';
import { faultError, type Shape } from './provider-error.ts';

const gatewayPage =
  '<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n' +
  '</body>\r\n</html>\r\n';

/** A request whose connection may go away while it is answered. */
interface Exchange {
  raw: ServerResponse;
  /** Aborts when the connection closes before the answer is complete. */
  signal: AbortSignal;
  tally: RequestTally;
}

function openExchange(reply: FastifyReply, tally: RequestTally): Exchange {
  const { raw } = reply;
  const gone = new AbortController();
  raw.once('close', () => {
    // Settled already unless the client was the one to close.
    tally.settle('aborted');
    gone.abort();
  });
  return { raw, signal: gone.signal, tally };
}

/** Resolves when the data is handed to the system, so that closing the connection afterwards does not lose it. */
function flush(raw: ServerResponse, data: string): Promise<void> {
  return new Promise((resolve) => {
    raw.write(data, () => resolve());
  });
}

/** Waits for room in the socket's buffer, or for the end of the connection. */
async function write(exchange: Exchange, data: string): Promise<void> {
  const { raw, signal } = exchange;
  if (raw.write(data) || signal.aborted) return;
  await new Promise<void>((resolve) => {
    function done(): void {
      raw.off('drain', done);
      signal.removeEventListener('abort', done);
      resolve();
    }
    raw.once('drain', done);
    signal.addEventListener('abort', done, { once: true });
  });
}

/** Sends headers and a piece of the answer, and breaks the connection there. */
async function breakOff(exchange: Exchange, headers: Record<string, string>, data: string): Promise<void> {
  const { raw, tally } = exchange;
  tally.settle('failed');
  if (!raw.headersSent) raw.writeHead(200, headers).flushHeaders();
  if (data !== '') await flush(raw, data);
  // The headers leave with the next turn of the event loop, not before.
  await sleep(1);
  raw.socket?.destroy();
}

/** What a proxy in front of a provider says when the provider is gone. */
export async function sendGatewayPage(reply: FastifyReply): Promise<void> {
  await reply.code(502).type('text/html').send(gatewayPage);
}

/** Whether the fault has ended the request before any answer; an HTTP error is thrown. */
async function failEarly(request: FastifyRequest, reply: FastifyReply, exchange: Exchange, shape: Shape, fault: Fault) {
  const { tally } = exchange;
  if (fault.kind === 'http') {
    tally.settle('failed');
    throw faultError(shape, fault);
  }
  if (fault.kind === 'html') {
    tally.settle('failed');
    await sendGatewayPage(reply);
    return true;
  }
  if (fault.kind === 'refuse') {
    tally.settle('failed');
    reply.hijack();
    request.raw.socket.destroy();
    return true;
  }
  return false;
}

/**
 * Sends `frames` at the given pace, with the fault on the way. Resolves when all is sent, the connection is broken on
 * purpose, or the client has gone.
 */
async function sendStream(
  exchange: Exchange,
  encoding: Encoding,
  totalTokens: number,
  pace: Pace,
  fault: Fault | undefined,
): Promise<void> {
  const { raw, signal, tally } = exchange;
  const headers = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' };
  if (fault?.kind === 'reset_after_headers') return breakOff(exchange, headers, '');
  raw.writeHead(200, headers).flushHeaders();

  const faultAt = faultPosition(fault, totalTokens);
  let faultIsDue = faultAt !== undefined;
  let sent = 0;
  let nextTokenMs = systemClock.monotonicMs() + pace.firstTokenMs + (fault?.kind === 'stall' ? fault.ms : 0);
  for (const frame of encoding.frames()) {
    if (frame.isToken) {
      // Timers are no finer than a millisecond: shorter gaps are made up for by waiting less often.
      const waitMs = nextTokenMs - systemClock.monotonicMs();
      if (waitMs >= 1) await sleep(waitMs, signal);
      nextTokenMs += pace.perTokenMs;
    }
    if (faultIsDue && sent === faultAt && (frame.isToken || sent === totalTokens)) {
      faultIsDue = false;
      if (fault?.kind === 'cut') return breakOff(exchange, headers, '');
      if (fault?.kind === 'bad_event') await write(exchange, malformed(frame.data));
      if (fault?.kind === 'stall_after') {
        await sleep(fault.ms, signal);
        nextTokenMs += fault.ms;
      }
    }
    if (signal.aborted) return;
    await write(exchange, frame.data);
    if (frame.isToken) {
      sent += 1;
      tally.addTokens(1);
    }
  }
  tally.settle('completed');
  raw.end();
}

/** After how many tokens the fault strikes; `undefined` if it does not strike amid the tokens. */
function faultPosition(fault: Fault | undefined, totalTokens: number): number | undefined {
  if (fault?.kind === 'bad_event') return Math.floor(totalTokens / 2);
  if (fault?.kind === 'cut' || fault?.kind === 'stall_after') return Math.min(fault.tokens, totalTokens);
  return undefined;
}

/** The first half of an event, ended as if it were whole. */
function malformed(data: string): string {
  return `${data.slice(0, Math.ceil(data.length / 2)).trimEnd()}\n\n`;
}

/** How much of an answer that is not streamed gets through: in proportion to the tokens before the cut. */
function cutBody(body: string, fault: Fault, totalTokens: number): string | undefined {
  if (fault.kind === 'bad_event') return body.slice(0, Math.ceil(body.length / 2));
  if (fault.kind !== 'cut') return undefined;
  return body.slice(0, Math.floor(body.length * Math.min(0.9, fault.tokens / Math.max(totalTokens, 1))));
}

async function sendWhole(
  reply: FastifyReply,
  exchange: Exchange,
  encoding: Encoding,
  totalTokens: number,
  pace: Pace,
  fault: Fault | undefined,
): Promise<void> {
  const { signal, tally } = exchange;
  const headers = { 'content-type': 'application/json' };
  if (fault?.kind === 'reset_after_headers') {
    reply.hijack();
    return breakOff(exchange, headers, '');
  }
  const stallMs = fault?.kind === 'stall' || fault?.kind === 'stall_after' ? fault.ms : 0;
  const waitMs = pace.firstTokenMs + totalTokens * pace.perTokenMs + stallMs;
  if (waitMs >= 1) await sleep(waitMs, signal);
  if (signal.aborted) {
    reply.hijack();
    return;
  }
  tally.addTokens(totalTokens);
  const body = JSON.stringify(encoding.body);
  const cut = fault === undefined ? undefined : cutBody(body, fault, totalTokens);
  if (cut !== undefined && fault?.kind === 'cut') {
    reply.hijack();
    return breakOff(exchange, headers, cut);
  }
  tally.settle(cut === undefined ? 'completed' : 'failed');
  await reply
    .code(200)
    .type('application/json')
    .send(cut ?? body);
}

export interface Answer {
  shape: Shape;
  encoding: Encoding;
  stream: boolean;
  tally: RequestTally;
  totalTokens: number;
}

/** Answers a request whose call is decided: at its pace, with its fault. An HTTP fault is thrown as the provider's error. */
export async function respond(
  request: FastifyRequest,
  reply: FastifyReply,
  call: Pick<Call, 'pace' | 'fault'>,
  answer: Answer,
): Promise<void> {
  const { shape, encoding, stream, tally, totalTokens } = answer;
  const { pace, fault } = call;
  const exchange = openExchange(reply, tally);
  if (fault !== undefined && (await failEarly(request, reply, exchange, shape, fault))) return;
  if (stream) {
    reply.hijack();
    await sendStream(exchange, encoding, totalTokens, pace, fault);
  } else {
    await sendWhole(reply, exchange, encoding, totalTokens, pace, fault);
  }
}
