import { APICallError, type LanguageModelV3StreamPart, UnsupportedFunctionalityError } from '@ai-sdk/provider';
import { SignalboxError } from '../../../platform/core/errors.ts';
import { uuidv7 } from '../../../platform/core/ids.ts';
import type { AnswerIdentity, Surface } from '../../surfaces/surface.ts';
import { type CallUpstream, parseRetryAfter, type UpstreamReply } from '../upstream.ts';
import { languageModel, providerOptions } from './models.ts';
import { withTextResults } from './tool-results.ts';

/** Calls providers of another dialect through the AI SDK's adapters, and answers in the dialect of the request. */
export const callThroughAiSdk: CallUpstream = async ({ provider, apiKey, modelId, request, signal }) => {
  const { surface, body, stream } = request;
  const model = languageModel(provider, apiKey, modelId);
  const translated = surface.translate(body);
  const options = {
    ...translated.options,
    ...(provider.dialect === 'openai' ? { prompt: withTextResults(translated.options.prompt) } : {}),
    providerOptions: providerOptions(provider, modelId, translated),
    abortSignal: signal,
  };
  const identity: AnswerIdentity = { id: uuidv7(), createdAt: Math.floor(Date.now() / 1000), model: modelId };
  try {
    if (stream) {
      const { stream: parts } = await model.doStream(options);
      return reply(200, 'text/event-stream; charset=utf-8', surface.toEvents(readParts(parts), identity, body));
    }
    return json(200, surface.toAnswer(await model.doGenerate(options), identity, body));
  } catch (error) {
    if (APICallError.isInstance(error) && error.statusCode !== undefined && error.statusCode !== 200) {
      return errorReply(surface, error, error.statusCode);
    }
    if (UnsupportedFunctionalityError.isInstance(error)) {
      const message = `${error.functionality} is not supported by this provider`;
      throw new SignalboxError('invalid_request', message, { cause: error });
    }
    throw error;
  }
};

/** Cancels the stream when its reader stops early, so that the provider's connection is closed. */
async function* readParts(
  stream: ReadableStream<LanguageModelV3StreamPart>,
): AsyncGenerator<LanguageModelV3StreamPart> {
  const reader = stream.getReader();
  let ended = false;
  try {
    for (;;) {
      const next = await reader.read();
      if (next.done) {
        ended = true;
        return;
      }
      if (isCutShort(next.value)) throw new Error('the stream ended before the answer was complete');
      yield next.value;
    }
  } finally {
    if (!ended) await reader.cancel();
  }
}

/** The adapters end a stream that was cut as if it were whole, but without the provider's own reason. */
function isCutShort(part: LanguageModelV3StreamPart): boolean {
  return part.type === 'finish' && part.finishReason.unified === 'other' && part.finishReason.raw === undefined;
}

/** The provider's error in the client's dialect: its status, its message, its type as code. */
function errorReply(surface: Surface, error: APICallError, status: number): UpstreamReply {
  const { type, message } = providerError(error.responseBody);
  const body = surface.errorBody({
    status,
    message: message ?? `the provider answered ${status}`,
    type: type ?? 'upstream_error',
    param: null,
    code: type,
  });
  return {
    ...json(status, body),
    retryAfterSeconds: parseRetryAfter(error.responseHeaders?.['retry-after'], Date.now()),
  };
}

function providerError(responseBody: string | undefined): { type: string | null; message: string | null } {
  try {
    const document = JSON.parse(responseBody ?? '') as {
      error?: { type?: unknown; message?: unknown };
      message?: unknown;
    };
    const { error } = document;
    const message = error?.message ?? document.message;
    return {
      type: typeof error?.type === 'string' ? error.type : null,
      message: typeof message === 'string' ? message : null,
    };
  } catch {
    // Not JSON, an HTML page of a proxy perhaps: the status says what is known.
    return { type: null, message: null };
  }
}

function json(status: number, value: unknown): UpstreamReply {
  return reply(status, 'application/json', once(new TextEncoder().encode(JSON.stringify(value))));
}

function reply(status: number, contentType: string, body: AsyncIterable<Uint8Array>): UpstreamReply {
  return { status, contentType, retryAfterSeconds: null, headers: {}, body };
}

async function* once(chunk: Uint8Array): AsyncGenerator<Uint8Array> {
  yield chunk;
}
