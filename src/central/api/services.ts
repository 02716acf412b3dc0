import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { authorHeader } from '../../contracts/audit.ts';
import type { KeyScope } from '../../contracts/keys.ts';
import { upgradeActionSchema } from '../../contracts/upgrade-api.ts';
import { authorOf, encodeAuthor } from '../../platform/http/author.ts';
import type { ZodApp } from '../../platform/http/zod-app.ts';
import type { SiblingName, Siblings } from '../forward/siblings.ts';

interface Forwarded {
  service: SiblingName;
  method: 'GET' | 'POST';
  path: string;
  /** What a key needs that central hands it on. */
  scope: KeyScope;
}

const get = (service: SiblingName, ...paths: readonly string[]): Forwarded[] =>
  paths.map((path) => ({ service, method: 'GET', path, scope: 'read' }));
const post = (service: SiblingName, ...paths: readonly string[]): Forwarded[] =>
  paths.map((path) => ({ service, method: 'POST', path, scope: 'admin' }));

/** All that the page asks of other services; nothing else goes through. */
export const forwarded: readonly Forwarded[] = [
  // It only shows what would be chosen.
  { service: 'router', method: 'POST', path: '/route', scope: 'read' },
  ...get('router', '/v1/models'),
  ...post('router', '/classify', '/v1/chat/completions', '/race', '/feedback'),
  ...get('upgrade', '/candidates', '/evaluations', '/rollouts/:id', '/rollouts/:id/log', '/incidents', '/status'),
  ...post(
    'upgrade',
    ...upgradeActionSchema.options.map((action) => `/candidates/:id/${action}`),
    '/incidents/:id/close',
    '/discover',
  ),
  ...get('registry', '/models', '/models/:id', '/providers'),
];

/** Of an answer, what its reader needs. */
const handedOn = /^(?:content-type|cache-control|retry-after|x-signalbox-.*)$/;
const longestMs = 600_000;
/** A request may name the whole address (RFC 9112, section 3.2.2). */
const origin = /^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i;

/** `/services/…`: other services through central, so that one session and one origin are enough for the page. */
export function registerServices(app: ZodApp, siblings: Siblings): void {
  for (const { service, method, path } of forwarded) {
    app.route({
      method,
      url: `/services/${service}${path}`,
      schema: {
        tags: ['services'],
        summary: `${method} ${path} of the ${service}`,
        ...(path.includes(':id') ? { params: z.object({ id: z.string().min(1).max(300) }) } : {}),
      },
      handler: (request, reply) => forward(siblings, service, request, reply),
    });
  }
}

async function forward(
  siblings: Siblings,
  service: SiblingName,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  const { accept = '*/*' } = request.headers;
  const body = request.rawBody ?? null;
  const answer = await siblings.send(service, {
    method: request.method === 'GET' ? 'GET' : 'POST',
    path: request.url.replace(origin, '').slice(`/services/${service}`.length),
    headers: {
      accept,
      [authorHeader]: encodeAuthor(authorOf(request)),
      ...(body === null ? {} : { 'content-type': 'application/json' }),
    },
    body,
    signal: AbortSignal.any([gone.signal, AbortSignal.timeout(longestMs)]),
  });
  for (const [name, value] of Object.entries(answer.headers)) {
    if (value !== undefined && handedOn.test(name)) void reply.header(name, value);
  }
  return reply.status(answer.status).send(answer.body);
}
