import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { SignalboxError } from '../../platform/core/errors.ts';
import type { Clock } from '../../platform/core/clock.ts';
import { bodyBytesOf } from '../../platform/http/body-bytes.ts';
import type { ZodApp } from '../../platform/http/zod-app.ts';
import type { Endpoint, Provider } from '../../platform/providers/definitions.ts';
import { createPromptBuilder } from '../classify/prompt.ts';
import type { Decision, DecisionStep } from '../decide.ts';
import type { Gateway } from '../gateway.ts';
import { anyModel } from '../select/policy.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import type { Accounting } from '../accounting.ts';
import type { SignalsOf } from '../call-signals.ts';
import { decisionAttributes } from '../span-attributes.ts';
import { classifyStatus } from '../upstream/failure.ts';
import { modelOfBody, withModel } from '../upstream/model-of-body.ts';
import type { PassThrough } from '../upstream/pass-through.ts';
import type { UpstreamReply } from '../upstream/upstream.ts';
import { bodyOf, unreachable } from './upstream-body.ts';
import { decisionHeaders } from './write-answer.ts';
import { signalOfClient } from './client-request.ts';

export interface PassThroughOptions {
  gateway: Gateway;
  accounting: Accounting;
  signalsOf: SignalsOf | null;
  passThrough: PassThrough;
  currentSnapshot(): Snapshot;
  clock: Clock;
}

/** OpenAI's endpoints that are handed on as they are, by what a provider must serve for them. */
const paths: ReadonlyArray<readonly [path: string, endpoint: Endpoint, defaultModel: string | null]> = [
  ['/images/generations', 'images', null],
  ['/images/edits', 'images', null],
  ['/images/variations', 'images', 'dall-e-2'],
  ['/audio/speech', 'audio', null],
  ['/audio/transcriptions', 'audio', null],
  ['/audio/translations', 'audio', null],
  ['/moderations', 'moderations', 'omni-moderation-latest'],
];

/**
 * Images, audio and moderation: the request goes to the provider of its model byte for byte, JSON or form, and so does
 * the answer. They are not routed: no model is chosen, and nothing is tried again.
 */
export function registerPassThrough(app: ZodApp, options: PassThroughOptions): void {
  void app.register((scope: FastifyInstance) => {
    scope.addContentTypeParser(/^multipart\//, { parseAs: 'buffer' }, (request, body: Buffer, done) => {
      request.rawBody = body;
      done(null, undefined);
    });
    for (const [path, endpoint, defaultModel] of paths) {
      scope.post(
        `/v1${path}`,
        { schema: { tags: ['openai'], summary: `Handed on to the provider of the model (${endpoint})` } },
        (request, reply) => handOn(request, reply, path, endpoint, defaultModel, options),
      );
    }
    return Promise.resolve();
  });
}

async function handOn(
  request: FastifyRequest,
  reply: FastifyReply,
  path: string,
  endpoint: Endpoint,
  defaultModel: string | null,
  { gateway, accounting, signalsOf, passThrough, currentSnapshot, clock }: PassThroughOptions,
): Promise<FastifyReply> {
  const contentType = request.headers['content-type'] ?? '';
  const bytes = bodyBytesOf(request);
  const named = modelOfBody(bytes, contentType);
  const model = named ?? defaultModel;
  if (model === null) throw new SignalboxError('invalid_request', 'model: is missing', { param: 'model' });
  const snapshot = currentSnapshot();
  const decision = gateway.decide({
    prompt: createPromptBuilder().build(0, 0),
    requestedModel: model === named ? model : pinnedToAny(model, endpoint, snapshot),
    constraints: {
      ...anyModel,
      nativeSurface: { name: endpoint, because: 'model' },
      allowedModels: request.caller.allowedModels,
      // What these cost is not counted in tokens, so that no budget could hold it.
      requiresPrice: request.caller.hasBudget,
    },
  });
  request.span?.set(decisionAttributes(decision, endpoint));
  refuseBudgeted(request, decision, accounting);
  const [step] = decision.chain;
  const { provider } = step;
  reply.headers({ ...decisionHeaders(decision), 'x-signalbox-attempts': '1' });
  const startedAtMs = clock.monotonicMs();
  const signal = signalOfClient(reply);
  const signals = signalsOf?.(decision, endpoint, request.span) ?? null;
  const traceHeaders = signals?.begin(0, provider, step.modelId, false) ?? {};
  const end = (answered: UpstreamReply | null): void => {
    const attempt = attemptOf(step, answered, clock.monotonicMs() - startedAtMs, signal.aborted);
    accounting.ended(decision, attempt);
    accounting.answered(decision, endpoint, step, attempt.errorCode === 'client' ? 'refused' : attempt.outcome);
    signals?.end(0, attempt, null);
  };
  try {
    const answered = await passThrough.send({
      provider,
      apiKey: provider.apiKey,
      method: 'POST',
      path,
      headers: { ...traceHeaders, 'content-type': contentType },
      body: named === null || named === step.modelId ? bytes : withModel(bytes, contentType, step.modelId),
      signal,
    });
    end(answered);
    return await reply
      .status(answered.status)
      .type(answered.contentType)
      .send(Readable.from(bodyOf(answered, provider)));
  } catch (error) {
    end(null);
    if (signal.aborted) return reply.hijack();
    throw unreachable(provider, error);
  }
}

function refuseBudgeted({ caller }: FastifyRequest, decision: Decision, accounting: Accounting): void {
  if (!caller.hasBudget) return;
  accounting.notCalled(decision, 'price_unknown');
  const message = `a budget holds the key, and what ${decision.chain[0].modelId} costs is not counted in tokens`;
  throw new SignalboxError('price_unknown', message, { param: 'model' });
}

/** The provider's own default model, at the first provider that serves the endpoint. */
function pinnedToAny(model: string, endpoint: Endpoint, { providers }: Snapshot): string {
  const serving = [...providers.values()].find((provider: Provider) => provider.passes.includes(endpoint));
  return serving === undefined ? model : `${serving.name}/${model}`;
}

function attemptOf(
  step: DecisionStep,
  answered: UpstreamReply | null,
  durationMs: number,
  isCancelled: boolean,
): Parameters<Accounting['ended']>[1] {
  const isSuccess = answered !== null && answered.status < 400;
  return {
    index: 0,
    isHedge: false,
    step,
    outcome: isSuccess ? 'success' : isCancelled ? 'cancelled' : 'failure',
    responseTimeMs: durationMs,
    timeToFirstTokenMs: null,
    streamed: false,
    httpStatus: answered?.status ?? null,
    errorCode: isSuccess || isCancelled ? null : answered === null ? 'network' : classifyStatus(answered.status),
    usage: null,
    usageEstimated: false,
    costUsd: null,
    responseModel: null,
  };
}
