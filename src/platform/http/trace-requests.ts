import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { SignalboxError } from '../core/errors.ts';
import type { Exporter } from '../telemetry/otlp.ts';
import type { Span } from '../telemetry/span.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The request's place in its trace; null where it is not traced. */
    span: Span | null;
  }
}

/** Asked by machines again and again, and requests of nobody. */
const untraced = /^\/(?:health|metrics|docs|openapi\.json)(?:\/|$)/;

/** One span for each request, from its head to the end of its answer. */
export function traceRequests(server: FastifyInstance, { startRequest }: Pick<Exporter, 'startRequest'>): void {
  server.addHook('onRequest', (request, reply, done) => {
    const route = request.routeOptions.url;
    if (!untraced.test(route ?? '')) request.span = startSpan(request, reply, route);
    done();
  });
  server.addHook('onError', (request, _reply, error, done) => {
    request.span?.set({ 'signalbox.error.code': error instanceof SignalboxError ? error.code : 'internal' });
    done();
  });

  function startSpan({ method, headers }: FastifyRequest, { raw }: FastifyReply, route: string | undefined) {
    const attributes = { 'http.request.method': method, ...(route === undefined ? {} : { 'http.route': route }) };
    const span = startRequest(route === undefined ? method : `${method} ${route}`, attributes, headers);
    if (span === null) return null;
    raw.once('close', () => {
      if (raw.headersSent) span.set({ 'http.response.status_code': raw.statusCode });
      // A stream may break off long after its status was sent.
      if (!raw.writableFinished) span.end('cancelled');
      else span.end(raw.statusCode >= 500 ? String(raw.statusCode) : null);
    });
    return span;
  }
}
