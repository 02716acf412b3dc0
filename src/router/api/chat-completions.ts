import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { chatCompletionRequestSchema, type ChatCompletionRequest } from '../../contracts/openai.ts';
import type { Clock } from '../../platform/core/clock.ts';
import type { ZodApp } from '../../platform/http/zod-app.ts';
import { promptFromChat } from '../classify/prompt.ts';
import type { Decision } from '../decide.ts';
import type { Completion, Gateway } from '../gateway.ts';
import { relayStream } from '../upstream/relay.ts';
import { constraintsOfChat } from './constraints.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The body as the client sent it; validation hands on a copy with reordered keys. */
    originalBody: unknown;
  }
}

export interface ChatRouteOptions {
  gateway: Gateway;
  clock: Clock;
  streamIdleMs: number;
}

export function registerChatCompletions(app: ZodApp, { gateway, clock, streamIdleMs }: ChatRouteOptions): void {
  app.decorateRequest('originalBody', null);
  app.addHook('preValidation', (request, _reply, done) => {
    request.originalBody = request.body;
    done();
  });

  app.post(
    '/v1/chat/completions',
    {
      schema: {
        tags: ['openai'],
        summary: 'Answer a conversation; `auto` chooses the model',
        body: chatCompletionRequestSchema,
        response: { 200: z.unknown().describe('OpenAI’s chat completion, or its event stream') },
      },
    },
    async (request, reply) => {
      const startedAtMs = clock.monotonicMs();
      const { body } = request;
      const decision = gateway.decide({
        prompt: promptFromChat(body),
        requestedModel: body.model,
        models: body.models ?? undefined,
        constraints: constraintsOfChat(body),
      });
      // Set first, so that an error after this point names the decision too.
      reply.headers(decisionHeaders(decision));
      const clientSignal = signalOfClient(reply);
      const completion = await gateway.complete(decision, request.originalBody as ChatCompletionRequest, clientSignal);
      if (completion.kind === 'cancelled') return reply.hijack();
      reply.headers(answerHeaders(completion, clock.monotonicMs() - startedAtMs));
      return answer(request, reply, completion, clientSignal, streamIdleMs);
    },
  );
}

async function answer(
  _request: FastifyRequest,
  reply: FastifyReply,
  completion: Exclude<Completion, { kind: 'cancelled' }>,
  clientSignal: AbortSignal,
  idleMs: number,
): Promise<FastifyReply> {
  switch (completion.kind) {
    case 'whole':
      return reply.type(completion.answer.contentType).send(completion.answer.body);
    case 'relay':
      return reply.status(completion.relay.status).type(completion.relay.contentType).send(completion.relay.body);
    case 'stream': {
      reply.hijack();
      reply.raw.writeHead(200, {
        ...reply.getHeaders(),
        'content-type': completion.answer.contentType,
        'cache-control': 'no-cache',
        // Proxies such as nginx would collect the stream otherwise.
        'x-accel-buffering': 'no',
      } as Record<string, string>);
      completion.settle(await relayStream(reply.raw, completion.answer, { clientSignal, idleMs }));
      return reply;
    }
  }
}

function decisionHeaders(decision: Decision): Record<string, string> {
  return {
    'x-signalbox-decision-id': decision.decisionId,
    'x-signalbox-model': decision.chain[0].modelId,
    'x-signalbox-provider': decision.chain[0].providerName,
    'x-signalbox-complexity': decision.classification.complexity,
    'x-signalbox-query-type': decision.classification.query_type,
  };
}

function answerHeaders(
  completion: Exclude<Completion, { kind: 'cancelled' }>,
  elapsedMs: number,
): Record<string, string> {
  const cost = completion.kind === 'whole' ? completion.costUsd : null;
  return {
    'x-signalbox-model': completion.step.modelId,
    'x-signalbox-provider': completion.step.providerName,
    'x-signalbox-attempts': String(completion.attempts),
    'x-signalbox-overhead-ms': Math.max(0, elapsedMs - completion.upstreamMs).toFixed(2),
    ...(cost === null ? {} : { 'x-signalbox-cost-usd': cost.toFixed(8) }),
  };
}

/** Aborts when the connection closes before the answer was sent. */
function signalOfClient(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) gone.abort();
  });
  return gone.signal;
}
