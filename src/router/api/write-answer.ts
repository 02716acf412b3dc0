import type { ServerResponse } from 'node:http';
import type { Decision } from '../decide.ts';
import type { Completion } from '../gateway.ts';
import type { Surface } from '../surfaces/surface.ts';
import type { StreamAnswer } from '../upstream/attempt.ts';
import type { StreamEnd } from '../upstream/follow-stream.ts';
import { relayStream } from '../upstream/relay.ts';

export type Answered = Exclude<Completion, { kind: 'cancelled' }>;

/** Writes an answer, or hands a stream on to its end. `onChunk` sees all that the client gets of it. */
export async function writeAnswer(
  raw: ServerResponse,
  completion: Answered,
  headers: Record<string, string>,
  surface: Surface,
  clientSignal: AbortSignal,
  idleMs: number,
  onChunk?: (chunk: Uint8Array) => void,
): Promise<void> {
  if (completion.kind === 'stream') {
    writeStreamHead(raw, completion.answer, headers);
    const onEnd = (end: StreamEnd): void => completion.settle(end);
    await relayStream(raw, completion.answer, { surface, clientSignal, idleMs, onChunk, onEnd });
    return;
  }
  const { status, contentType, body } = completion.kind === 'whole' ? completion.answer : completion.relay;
  if (completion.kind === 'whole') Object.assign(headers, completion.answer.headers);
  raw.writeHead(status, { ...headers, 'content-type': contentType, 'content-length': body.length });
  onChunk?.(body);
  raw.end(body);
}

export function writeStreamHead(raw: ServerResponse, answer: StreamAnswer, headers: Record<string, string>): void {
  raw.writeHead(200, {
    ...headers,
    ...answer.headers,
    'content-type': answer.contentType,
    'cache-control': 'no-cache',
    // Proxies such as nginx would collect the stream otherwise.
    'x-accel-buffering': 'no',
  });
}

export function decisionHeaders(decision: Decision): Record<string, string> {
  return {
    'x-signalbox-decision-id': decision.decisionId,
    'x-signalbox-model': decision.chain[0].modelId,
    'x-signalbox-provider': decision.chain[0].providerName,
    'x-signalbox-complexity': decision.classification.complexity,
    'x-signalbox-query-type': decision.classification.query_type,
  };
}

/** Of an answer that is about to be sent. */
export function answerHeaders(completion: Answered, elapsedMs: number): Record<string, string> {
  const cost = completion.kind === 'whole' ? completion.costUsd : null;
  return {
    ...completion.limitHeaders,
    'x-signalbox-model': completion.step.modelId,
    'x-signalbox-provider': completion.step.providerName,
    'x-signalbox-attempts': String(completion.attempts),
    'x-signalbox-overhead-ms': Math.max(0, elapsedMs - completion.upstreamMs).toFixed(2),
    ...(cost === null ? {} : { 'x-signalbox-cost-usd': cost.toFixed(8) }),
  };
}
