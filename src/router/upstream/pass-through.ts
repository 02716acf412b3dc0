import { type Dispatcher, Pool } from 'undici';
import { derive, type Live } from '../../platform/core/live.ts';
import { authHeaders, type Provider } from '../../platform/providers/definitions.ts';
import { asksForUsage, providerBody } from './provider-body.ts';
import { createReplyBody, type ReplyBody } from './reply-body.ts';
import { type CallUpstream, parseRetryAfter, type UpstreamReply, type UpstreamRequest } from './upstream.ts';

/** One HTTP request to a provider. */
export interface RawRequest {
  provider: Provider;
  apiKey: string | null;
  method: 'GET' | 'POST';
  /** Below the provider's base URL, the query included. */
  path: string;
  headers: Readonly<Record<string, string>>;
  body: Buffer | null;
  signal: AbortSignal;
}

export interface PassThrough {
  /** Calls a provider that speaks the dialect of the surface: the answer's bytes are handed on as they come. */
  call: CallUpstream;
  /** Sends any request to a provider and hands its answer on. */
  send(request: RawRequest): Promise<UpstreamReply>;
  close(): Promise<void>;
}

export interface PassThroughOptions {
  connections: number;
  connectTimeoutMs: number;
}

/** Where a base URL leads. */
interface Place {
  pool: Pool;
  path: string;
  /** It refused to be asked for the usage of a stream: a server that knows no `stream_options`. */
  refusesUsage: boolean;
}

/** Headers of a provider's answer that say something to its client. */
const handedOn = ['request-id', 'x-request-id', 'openai-processing-ms', 'openai-version', 'openai-organization'];

/** Providers are reached over connections that are kept. */
export function createPassThrough(options: Live<PassThroughOptions>): PassThrough {
  const everyPlace = new Set<Place>();
  // With other options there are other pools; those before end with the requests that they have.
  const places = derive(options, () => {
    for (const place of everyPlace) retire(place);
    return new Map<string, Place>();
  });

  function retire(place: Place): void {
    const forget = (): void => void everyPlace.delete(place);
    place.pool.close().then(forget, forget);
  }

  function placeOf({ baseUrl }: Provider): Place {
    const known = places().get(baseUrl);
    if (known !== undefined) return known;
    const { connections, connectTimeoutMs } = options();
    const { origin, pathname } = new URL(baseUrl);
    const pool = new Pool(origin, {
      connections,
      pipelining: 1,
      keepAliveTimeout: 60_000,
      connect: { timeout: connectTimeoutMs },
      // The chain's own deadlines hold, per attempt and per stream silence; what is handed on has none but the client's.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    const place = { pool, path: pathname === '/' ? '' : pathname, refusesUsage: false };
    places().set(baseUrl, place);
    everyPlace.add(place);
    return place;
  }

  function send({ provider, apiKey, method, path, headers, body, signal }: RawRequest): Promise<UpstreamReply> {
    const place = placeOf(provider);
    return new Promise((resolve, reject) => {
      let controller: Dispatcher.DispatchController | null = null;
      let reply: ReplyBody | null = null;

      function onAbort(): void {
        const reason = new Error('aborted');
        controller?.abort(reason);
        finish(reason);
      }
      function finish(error: Error): void {
        signal.removeEventListener('abort', onAbort);
        if (reply === null) reject(error);
        else reply.fail(error);
      }

      if (signal.aborted) {
        reject(new Error('aborted'));
        return;
      }
      signal.addEventListener('abort', onAbort, { once: true });
      place.pool.dispatch(
        {
          path: `${place.path}${path}`,
          method,
          headers: { ...authHeaders(provider, apiKey), ...headers },
          body,
        },
        {
          onRequestStart(started) {
            controller = started;
            // While it waited for a connection.
            if (signal.aborted) started.abort(new Error('aborted'));
          },
          onResponseStart(started, status, answerHeaders) {
            // 100 and 103 announce the answer, they are none.
            if (status < 200) return;
            reply = createReplyBody({
              pause: () => started.pause(),
              resume: () => started.resume(),
              abort: () => started.abort(new Error('not read to its end')),
            });
            resolve({
              status,
              contentType: headerOf(answerHeaders, 'content-type') ?? '',
              retryAfterSeconds: parseRetryAfter(headerOf(answerHeaders, 'retry-after'), Date.now()),
              headers: pick(answerHeaders),
              body: reply,
            });
          },
          onResponseData: (_controller, chunk) => reply?.push(chunk),
          onResponseEnd() {
            signal.removeEventListener('abort', onAbort);
            reply?.end();
          },
          onResponseError: (_controller, error) => finish(error),
        },
      );
    });
  }

  async function call(upstream: UpstreamRequest): Promise<UpstreamReply> {
    const { provider, apiKey, modelId, request, signal } = upstream;
    const { surface, stream } = request;
    const addUsage = asksForUsage(provider, request) && !placeOf(provider).refusesUsage;
    const headers = {
      ...request.headers,
      'content-type': 'application/json',
      accept: stream ? 'text/event-stream' : 'application/json',
    };
    const path = `${surface.path}${request.query}`;
    const body = providerBody(provider, modelId, request, addUsage);
    const reply = await send({ provider, apiKey, method: 'POST', path, headers, body, signal });
    if (!addUsage || (reply.status !== 400 && reply.status !== 422)) return reply;
    const refusal = await readAll(reply.body);
    if (!refusal.includes('stream_options')) return { ...reply, body: once(refusal) };
    placeOf(provider).refusesUsage = true;
    return call(upstream);
  }

  return {
    call,
    send,
    // Requests under way were drained before; what is left is idle or belongs to clients that are gone.
    async close() {
      await Promise.all([...everyPlace].map(({ pool }) => pool.destroy()));
    },
  };
}

type AnswerHeaders = Readonly<Record<string, string | string[] | undefined>>;

function headerOf(headers: AnswerHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

function pick(headers: AnswerHeaders): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const name of handedOn) {
    const value = headerOf(headers, name);
    if (value !== undefined) picked[name] = value;
  }
  return picked;
}

/** Longest error document that is read. */
const maxRefusalBytes = 1024 * 1024;

async function readAll(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > maxRefusalBytes) break;
  }
  return Buffer.concat(chunks);
}

async function* once(chunk: Uint8Array): AsyncGenerator<Uint8Array> {
  yield chunk;
}
