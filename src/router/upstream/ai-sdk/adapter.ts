import { createAnthropic } from '@ai-sdk/anthropic';
import { APICallError, type LanguageModelV3, type LanguageModelV3StreamPart } from '@ai-sdk/provider';
import { uuidv7 } from '../../../platform/core/ids.ts';
import type { Provider } from '../../../platform/providers/definitions.ts';
import { type CallUpstream, parseRetryAfter, type UpstreamReply } from '../upstream.ts';
import { type CompletionIdentity, toCompletion, toCompletionEvents } from './completion.ts';
import { toCallOptions } from './prompt.ts';

/** Calls providers of another dialect through the AI SDK's adapters, and answers in OpenAI's. */
export function createAiSdkAdapter(): CallUpstream {
  return async ({ provider, modelId, body, stream, signal }) => {
    const model = languageModel(provider, modelId);
    const options = { ...toCallOptions(body), abortSignal: signal };
    const identity: CompletionIdentity = {
      id: `chatcmpl-${uuidv7()}`,
      created: Math.floor(Date.now() / 1000),
      model: modelId,
    };
    try {
      if (stream) {
        const result = await model.doStream(options);
        const events = toCompletionEvents(readParts(result.stream), identity, wantsUsage(body));
        return reply(200, 'text/event-stream; charset=utf-8', events);
      }
      return json(200, toCompletion(await model.doGenerate(options), identity));
    } catch (error) {
      if (APICallError.isInstance(error) && error.statusCode !== undefined) return errorReply(error, error.statusCode);
      throw error;
    }
  };
}

function languageModel(provider: Provider, modelId: string): LanguageModelV3 {
  return createAnthropic({ baseURL: provider.baseUrl, apiKey: provider.apiKey ?? '' }).languageModel(modelId);
}

function wantsUsage(body: Readonly<Record<string, unknown>>): boolean {
  const options = body['stream_options'];
  return (
    typeof options === 'object' && options !== null && (options as { include_usage?: unknown }).include_usage === true
  );
}

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
      yield next.value;
    }
  } finally {
    if (!ended) await reader.cancel();
  }
}

/** The provider's error in OpenAI's shape: its status, its message, its type as code. */
function errorReply(error: APICallError, status: number): UpstreamReply {
  const { type, message } = providerError(error.responseBody);
  const body = {
    error: {
      message: message ?? `the provider answered ${status}`,
      type: type ?? 'upstream_error',
      param: null,
      code: type,
    },
  };
  return {
    ...json(status, body),
    retryAfterSeconds: parseRetryAfter(error.responseHeaders?.['retry-after'], Date.now()),
  };
}

function providerError(responseBody: string | undefined): { type: string | null; message: string | null } {
  try {
    const { error } = JSON.parse(responseBody ?? '') as { error?: { type?: unknown; message?: unknown } };
    return {
      type: typeof error?.type === 'string' ? error.type : null,
      message: typeof error?.message === 'string' ? error.message : null,
    };
  } catch {
    // Not JSON, an HTML page of a proxy perhaps: the status says what is known.
    return { type: null, message: null };
  }
}

function json(status: number, value: unknown): UpstreamReply {
  return reply(status, 'application/json', [new TextEncoder().encode(JSON.stringify(value))]);
}

function reply(
  status: number,
  contentType: string,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): UpstreamReply {
  return { status, contentType, retryAfterSeconds: null, body: iterate(chunks) };
}

async function* iterate(chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* chunks;
}
