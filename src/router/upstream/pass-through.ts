import { Agent, request } from 'undici';
import { authHeaders } from '../../platform/providers/definitions.ts';
import { type CallUpstream, parseRetryAfter, upstreamBody } from './upstream.ts';

export interface PassThrough {
  call: CallUpstream;
  close(): Promise<void>;
}

export interface PassThroughOptions {
  connections: number;
  connectTimeoutMs: number;
}

/** Calls providers that speak OpenAI's dialect: the answer's bytes are handed on as they come, over kept connections. */
export function createPassThrough({ connections, connectTimeoutMs }: PassThroughOptions): PassThrough {
  const agent = new Agent({
    connections,
    pipelining: 1,
    keepAliveTimeout: 60_000,
    connect: { timeout: connectTimeoutMs },
    // The chain's own deadlines hold, per attempt and per stream silence.
    headersTimeout: 0,
    bodyTimeout: 0,
  });

  return {
    async call(upstream) {
      const { provider, stream, signal } = upstream;
      const response = await request(`${provider.baseUrl}/chat/completions`, {
        method: 'POST',
        dispatcher: agent,
        signal,
        headers: {
          ...authHeaders(provider),
          'content-type': 'application/json',
          accept: stream ? 'text/event-stream' : 'application/json',
        },
        body: JSON.stringify(upstreamBody(upstream)),
      });
      const header = (name: string): string | undefined => {
        const value = response.headers[name];
        return Array.isArray(value) ? value[0] : value;
      };
      return {
        status: response.statusCode,
        contentType: header('content-type') ?? '',
        retryAfterSeconds: parseRetryAfter(header('retry-after'), Date.now()),
        body: response.body,
      };
    },
    // Requests under way were drained before; what is left is idle or belongs to clients that are gone.
    close: () => agent.destroy(),
  };
}
