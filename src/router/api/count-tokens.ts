import { Readable } from 'node:stream';
import { countTokensRequestSchema } from '../../contracts/anthropic.ts';
import { SignalboxError } from '../../platform/core/errors.ts';
import { bodyBytesOf } from '../../platform/http/body-bytes.ts';
import type { Live } from '../../platform/core/live.ts';
import type { ZodApp } from '../../platform/http/zod-app.ts';
import { estimateInputTokens } from '../predict/tokens.ts';
import { boundsOfName, modelsOfName } from '../select/aliases.ts';
import { refusesPinned, resolvePinned } from '../select/pinned.ts';
import { anyModel, type Policy } from '../select/policy.ts';
import { parseRequestedModel } from '../select/requested-model.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import { promptOfMessages } from '../surfaces/messages/read.ts';
import type { PassThrough } from '../upstream/pass-through.ts';
import { providerBody } from '../upstream/provider-body.ts';
import { bodyOf, unreachable } from './upstream-body.ts';
import { headersFor, queryOf, signalOfClient } from './client-request.ts';

export interface CountTokensOptions {
  currentSnapshot(): Snapshot;
  aliases: Live<Policy['aliases']>;
  passThrough: PassThrough;
}

/** Anthropic's count of the tokens of a request: its own where the model is its own, an estimate for every other. */
export function registerCountTokens(app: ZodApp, { currentSnapshot, aliases, passThrough }: CountTokensOptions): void {
  app.post(
    '/v1/messages/count_tokens',
    {
      config: { errorShape: 'anthropic' },
      schema: {
        tags: ['anthropic'],
        summary: 'Count the input tokens of a request; an estimate where the model is not Anthropic’s',
        body: countTokensRequestSchema,
      },
    },
    async (request, reply) => {
      const { body } = request;
      const snapshot = currentSnapshot();
      const isPinned = parseRequestedModel(body.model).kind === 'pinned';
      const known = aliases();
      const places = isPinned
        ? modelsOfName(body.model, known).flatMap((name) => resolvePinned(name, snapshot, []))
        : [];
      if (isPinned && places.length === 0) {
        throw new SignalboxError('model_not_found', `the model ${body.model} does not exist here`, { param: 'model' });
      }
      const ofCaller = { ...anyModel, allowedModels: request.caller.allowedModels };
      const bounds = boundsOfName(body.model, ofCaller, known);
      const allowed = places.filter((place) => refusesPinned(place, bounds, snapshot) === null);
      if (isPinned && allowed.length === 0) {
        throw new SignalboxError('model_not_allowed', `the key may not use the model ${body.model}`, {
          param: 'model',
        });
      }
      const native = allowed.find(({ providerName }) => snapshot.providers.get(providerName)?.dialect === 'anthropic');
      const provider = native === undefined ? undefined : snapshot.providers.get(native.providerName);
      if (native === undefined || provider === undefined) {
        return { input_tokens: estimateInputTokens(promptOfMessages(body)) };
      }
      const signal = signalOfClient(reply);
      try {
        const answer = await passThrough.send({
          provider,
          apiKey: provider.apiKey,
          method: 'POST',
          path: `/messages/count_tokens${queryOf(request)}`,
          headers: { ...headersFor(request), 'content-type': 'application/json' },
          body: providerBody(provider, native.modelId, { body, bytes: bodyBytesOf(request) }, false),
          signal,
        });
        return await reply
          .status(answer.status)
          .type(answer.contentType)
          .send(Readable.from(bodyOf(answer, provider)));
      } catch (error) {
        if (signal.aborted) return reply.hijack();
        throw unreachable(provider, error);
      }
    },
  );
}
