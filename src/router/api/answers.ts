import type { ServerResponse } from 'node:http';
import { z } from 'zod';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../platform/core/clock.ts';
import { SignalboxError } from '../../platform/core/errors.ts';
import type { ErrorShape } from '../../platform/http/error-shapes.ts';
import type { Provider } from '../../platform/providers/definitions.ts';
import type { UpstreamReply } from '../upstream/upstream.ts';
import { bodyBytesOf } from '../../platform/http/body-bytes.ts';
import type { ZodApp } from '../../platform/http/zod-app.ts';
import { conversationOf } from '../conversation.ts';
import type { Decision } from '../decide.ts';
import type { Completion, Gateway } from '../gateway.ts';
import type { Affinity } from '../select/affinity.ts';
import { parseRequestedModel } from '../select/requested-model.ts';
import type { Body, Surface } from '../surfaces/surface.ts';
import { relayStream } from '../upstream/relay.ts';
import { toDecisionRequest } from './decision-request.ts';

export interface AnswerRouteOptions {
  gateway: Gateway;
  affinity: Affinity;
  clock: Clock;
  streamIdleMs: number;
}

export interface AnswerRoute {
  surface: Surface;
  url: string;
  tag: string;
  summary: string;
  body: z.ZodType;
  errorShape: ErrorShape;
}

type Answered = Exclude<Completion, { kind: 'cancelled' }>;

/** Headers of the client that its provider is to see as well, where both speak the same dialect. */
const handedOn = ['anthropic-version', 'anthropic-beta', 'openai-beta', 'idempotency-key'] as const;

/** A surface: one request in its dialect in, one answer in its dialect out. */
export function registerAnswers(app: ZodApp, route: AnswerRoute, options: AnswerRouteOptions): void {
  const { surface, url } = route;
  const { gateway, affinity, clock, streamIdleMs } = options;
  app.post(
    url,
    {
      config: { errorShape: route.errorShape },
      schema: {
        tags: [route.tag],
        summary: route.summary,
        body: route.body,
        response: { 200: z.unknown().describe('The provider’s answer, or its event stream') },
      },
    },
    async (request, reply) => {
      const startedAtMs = clock.monotonicMs();
      const { caller } = request;
      const body = request.body as Body;
      const reading = surface.read(body);
      if (surface.name === 'embeddings') refuseAuto(reading.model);
      const conversationId = conversationOf(reading, request.headers, caller);
      const conversation = affinity.find(conversationId, clock.nowMs());
      const decision = gateway.decide(toDecisionRequest(surface, reading, caller, conversation));
      const headers = decisionHeaders(decision);
      const clientSignal = signalOfClient(reply);
      let completion: Completion;
      try {
        completion = await gateway.complete({
          decision,
          request: {
            surface,
            bytes: bodyBytesOf(request),
            body,
            stream: reading.stream,
            headers: headersFor(request),
            query: queryOf(request),
          },
          caller,
          maxOutputTokens: reading.maxOutputTokens,
          conversationId,
          clientSignal,
        });
      } catch (error) {
        // An error after this point names the decision too.
        reply.headers(headers);
        throw error;
      }
      // From here on the bytes are ready: what Fastify does to answers would only cost time.
      reply.hijack();
      if (completion.kind === 'cancelled') return reply;
      Object.assign(headers, answerHeaders(completion, clock.monotonicMs() - startedAtMs));
      await answer(reply.raw, completion, headers, surface, clientSignal, streamIdleMs);
      return reply;
    },
  );
}

function refuseAuto(model: string): void {
  if (parseRequestedModel(model).kind === 'pinned') return;
  const message = 'auto does not choose embedding models, because vectors of different models cannot be compared';
  throw new SignalboxError('invalid_request', `${message}; name one`, { param: 'model' });
}

async function answer(
  raw: ServerResponse,
  completion: Answered,
  headers: Record<string, string>,
  surface: Surface,
  clientSignal: AbortSignal,
  idleMs: number,
): Promise<void> {
  if (completion.kind === 'stream') {
    raw.writeHead(200, {
      ...headers,
      ...completion.answer.headers,
      'content-type': completion.answer.contentType,
      'cache-control': 'no-cache',
      // Proxies such as nginx would collect the stream otherwise.
      'x-accel-buffering': 'no',
    });
    completion.settle(await relayStream(raw, completion.answer, { surface, clientSignal, idleMs }));
    return;
  }
  const { status, contentType, body } = completion.kind === 'whole' ? completion.answer : completion.relay;
  if (completion.kind === 'whole') Object.assign(headers, completion.answer.headers);
  raw.writeHead(status, { ...headers, 'content-type': contentType, 'content-length': body.length });
  raw.end(body);
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

function answerHeaders(completion: Answered, elapsedMs: number): Record<string, string> {
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

export function headersFor(request: FastifyRequest): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name of handedOn) {
    const value = request.headers[name];
    if (typeof value === 'string') headers[name] = value;
  }
  return headers;
}

export function queryOf({ url }: FastifyRequest): string {
  const start = url.indexOf('?');
  return start === -1 ? '' : url.slice(start);
}

/** Aborts when the connection closes before the answer was sent. */
export function signalOfClient(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) gone.abort();
  });
  return gone.signal;
}

/** A failure of the way to a provider, for which the codes of the network alone could stand for the database's. */
export function unreachable({ name }: Provider, cause: unknown): SignalboxError {
  return new SignalboxError('upstream_failed', `${name} could not be reached`, { cause });
}

/** The body of an answer that is handed on as it comes. */
export async function* bodyOf({ body }: UpstreamReply, provider: Provider): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    throw unreachable(provider, error);
  }
}
