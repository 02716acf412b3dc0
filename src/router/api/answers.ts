import { z } from 'zod';
import type { Clock } from '../../platform/core/clock.ts';
import { SignalboxError } from '../../platform/core/errors.ts';
import type { ErrorShape } from '../../platform/http/error-shapes.ts';
import { bodyBytesOf } from '../../platform/http/body-bytes.ts';
import type { Live } from '../../platform/core/live.ts';
import type { ZodApp } from '../../platform/http/zod-app.ts';
import { conversationOf } from '../conversation.ts';
import type { Completion, Gateway } from '../gateway.ts';
import type { Affinity } from '../select/affinity.ts';
import { parseRequestedRace } from '../race/requested-race.ts';
import type { Racing } from '../racing/racing.ts';
import { parseRequestedModel } from '../select/requested-model.ts';
import type { Shadow } from '../shadow/shadow.ts';
import type { Body, Surface } from '../surfaces/surface.ts';
import type { ClientRequest } from '../upstream/upstream.ts';
import { answerRace } from './race-chat.ts';
import { toDecisionRequest } from './decision-request.ts';
import { headersFor, queryOf, signalOfClient } from './client-request.ts';
import { answerHeaders, decisionHeaders, writeAnswer } from './write-answer.ts';
import { answerAttributes, decisionAttributes } from '../span-attributes.ts';

export interface AnswerRouteOptions {
  gateway: Gateway;
  affinity: Affinity;
  clock: Clock;
  streamIdleMs: Live<number>;
  racing: Racing;
  shadow: Shadow;
}

export interface AnswerRoute {
  surface: Surface;
  url: string;
  tag: string;
  summary: string;
  body: z.ZodType;
  errorShape: ErrorShape;
}

/** A surface: one request in its dialect in, one answer in its dialect out. */
export function registerAnswers(app: ZodApp, route: AnswerRoute, options: AnswerRouteOptions): void {
  const { surface, url } = route;
  const { gateway, affinity, clock, streamIdleMs, shadow } = options;
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
      const race = surface.name === 'chat' ? parseRequestedRace(reading.model) : null;
      if (race !== null) return await answerRace(race, request, reply, options);
      if (surface.name === 'embeddings') refuseAuto(reading.model);
      const conversationId = conversationOf(reading, request.headers, caller);
      const nowMs = clock.nowMs();
      const conversation = affinity.find(conversationId, nowMs);
      const asked = toDecisionRequest(surface, reading, caller, conversation);
      const decision = gateway.decide({
        ...asked,
        trial: {
          conversationId: affinity.firstIdOf(conversationId, nowMs),
          refusesCopy: surface.name !== 'chat' ? 'surface' : caller.mayShadow ? null : 'no_consent',
          staysAtProvider: surface.name === 'responses',
        },
      });
      request.span?.set(decisionAttributes(decision, surface.name));
      const headers = decisionHeaders(decision);
      const clientSignal = signalOfClient(reply);
      const clientRequest: ClientRequest = {
        surface,
        bytes: bodyBytesOf(request),
        body,
        stream: reading.stream,
        headers: headersFor(request),
        query: queryOf(request),
        span: request.span,
      };
      const watched = shadow.watch(decision, { request: clientRequest, reading, caller, bounds: asked.constraints });
      if (watched !== null) reply.raw.once('close', () => watched.finish());
      let completion: Completion;
      try {
        completion = await gateway.complete({
          decision,
          request: clientRequest,
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
      request.span?.set(answerAttributes(completion));
      Object.assign(headers, answerHeaders(completion, clock.monotonicMs() - startedAtMs));
      await writeAnswer(reply.raw, completion, headers, surface, clientSignal, streamIdleMs(), (chunk) =>
        watched?.take(chunk),
      );
      return reply;
    },
  );
}

function refuseAuto(model: string): void {
  if (parseRequestedModel(model).kind === 'pinned') return;
  const message = 'auto does not choose embedding models, because vectors of different models cannot be compared';
  throw new SignalboxError('invalid_request', `${message}; name one`, { param: 'model' });
}
