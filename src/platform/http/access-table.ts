import type { FastifyRequest } from 'fastify';
import type { KeyScope } from '../../contracts/keys.ts';
import { SignalboxError } from '../core/errors.ts';
import type { Principal } from '../security/principal.ts';

/** The scopes that open a route, besides `admin`, which opens all; `everybody`: it answers without a key. */
export type Opening = 'everybody' | readonly KeyScope[];

/**
 * Who may ask what, by method and path as a route is declared: `GET /keys/:id`. A HEAD is as the GET beside it. A route
 * that is not in it is closed: `admin` alone opens it.
 */
export type AccessTable = Readonly<Record<string, Opening>>;

/** Orchestrators ask how a service is, browsers show what it can do; neither is a secret. */
export const operationsAccess: AccessTable = {
  'GET /health': 'everybody',
  'GET /health/liveness': 'everybody',
  'GET /health/liveliness': 'everybody',
  'GET /health/readiness': 'everybody',
  'GET /openapi.json': 'everybody',
  'GET /docs': 'everybody',
  'GET /docs/': 'everybody',
  'GET /config': ['read'],
  'GET /metrics': ['read'],
};

const closed: readonly KeyScope[] = [];

/** What opens the route of a request. The declared path counts, not the one sent, which may be written in many ways. */
export function openingOf(table: AccessTable, { method, routeOptions }: FastifyRequest): Opening {
  const { url = '' } = routeOptions;
  const asked = method === 'HEAD' ? 'GET' : method;
  // The page of the API declares a route for each of its files.
  if (asked === 'GET' && url.startsWith('/docs/')) return 'everybody';
  return table[`${asked} ${url}`] ?? closed;
}

/**
 * Throws SignalboxError `forbidden` where the key is good for other things, or `unauthorized` where it is for calls alone.
 * Where there is no route there is no secret.
 */
export function refuseWithoutScope(opening: readonly KeyScope[], { scope }: Principal, request: FastifyRequest): void {
  if (request.routeOptions.url === undefined) return;
  if (scope === 'admin' || opening.includes(scope)) return;
  // Keys for calls alone were there before scopes: of all else they are as good as no key.
  if (scope === 'call')
    throw new SignalboxError('unauthorized', 'this needs the master key, or a key of another scope');
  throw new SignalboxError('forbidden', 'a key that may only read does not allow this; the master key does');
}
