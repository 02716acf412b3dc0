import type { FastifyReply, FastifyRequest } from 'fastify';

/** Headers of the client that its provider is to see as well, where both speak the same dialect. */
const handedOn = ['anthropic-version', 'anthropic-beta', 'openai-beta', 'idempotency-key'] as const;

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
