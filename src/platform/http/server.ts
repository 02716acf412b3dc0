import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import { fastify, type FastifyInstance, type FastifyRequest } from 'fastify';
import { jsonSchemaTransform, serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import type { ServiceName } from '../../contracts/api.ts';
import type { LiveConfig } from '../config/live.ts';
import { sleep } from '../core/clock.ts';
import { maxJsonDepth } from '../core/depth.ts';
import { SignalboxError, StartupError } from '../core/errors.ts';
import type { HealthCheck, Service } from '../core/service.ts';
import { version } from '../core/version.ts';
import { authenticateByKey, type Principal } from '../security/principal.ts';
import type { Logger } from '../telemetry/logger.ts';
import { createSeries, type Metrics } from '../telemetry/metrics.ts';
import type { Exporter } from '../telemetry/otlp.ts';
import { type AccessTable, openingOf, operationsAccess, refuseWithoutScope } from './access-table.ts';
import { type Connections, trackConnections } from './connections.ts';
import { answerClientError, createErrorHandler } from './error-reply.ts';
import { nestsDeeperThan } from './json-depth.ts';
import { limitFailures } from './limit-failures.ts';
import { refuseStrangePages } from './strange-pages.ts';
import { registerOperations } from './operations.ts';
import { traceRequests } from './trace-requests.ts';
import { withZod, type ZodApp } from './zod-app.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; set for every route that does not answer without a key. */
    principal: Principal;
  }
}

export interface HttpServiceOptions {
  service: ServiceName;
  description: string;
  config: LiveConfig;
  log: Logger;
  metrics: Metrics;
  /** What readiness depends on. */
  checks(): Record<string, HealthCheck>;
  /** Which keys open the service's own routes. What is not in it needs the scope `admin`. */
  access?: AccessTable;
  /**
   * Says who asks, or throws `unauthorized`. Without it the master key, where there is one, is needed. Not asked for what
   * is open to everybody.
   */
  authenticate?(request: FastifyRequest): Principal;
  /** Where requests are traced. */
  traces?: Pick<Exporter, 'startRequest'> | null;
  /** The groups of the service's own routes, in the order in which the API page shows them. */
  tags: ReadonlyArray<{ name: string; description: string }>;
  /** Registers the service's own routes. */
  routes(app: ZodApp): void;
}

export interface HttpService extends Service {
  /** The port listened on; only after `start`. */
  port(): number;
}

/**
 * A Fastify server with what every service has: zod validation, one error shape, OpenAPI at `/docs` and
 * `/openapi.json`, health and metrics, the master key, and a drain on stop.
 */
export function createHttpService(options: HttpServiceOptions): HttpService {
  const { service, config, log, metrics, traces = null } = options;
  const { host, ports, body_limit_bytes: bodyLimit, instance_id: instanceId, http } = config.current();
  const port = ports[service];
  let app: FastifyInstance | undefined;
  let connections: Connections | undefined;
  let stopping = false;
  let left: Promise<void> | undefined;
  // Names a request in the log; unique in the fleet, and cheaper than a UUID for each.
  const requestPrefix = randomUUID().slice(0, 8);
  let requestCount = 0;

  async function build(): Promise<FastifyInstance> {
    const handleError = createErrorHandler(log);
    const server = fastify({
      logger: false,
      bodyLimit,
      genReqId: () => `${requestPrefix}-${(requestCount += 1)}`,
      forceCloseConnections: 'idle',
      return503OnClosing: false,
      routerOptions: { maxParamLength: 512 },
      trustProxy: config.current().dashboard.trust_proxy,
      // Slow-loris: headers and body must arrive in a bounded time; answers may take as long as they need.
      requestTimeout: http.request_timeout_ms,
      http: {
        headersTimeout: http.headers_timeout_ms,
        connectionsCheckingInterval: Math.ceil(http.headers_timeout_ms / 4),
      },
      ajv: { customOptions: { strict: false } },
      // What fails before a route is found has the same error shape: a path that cannot be decoded, bytes that are no HTTP.
      frameworkErrors: handleError,
      clientErrorHandler: answerClientError,
    });
    // JSON is the only body that is read; everything else is a clear 415.
    server.removeContentTypeParser('text/plain');
    server.setValidatorCompiler(validatorCompiler);
    server.setSerializerCompiler(serializerCompiler);
    server.setErrorHandler(handleError);
    refuseDeepJson(server);
    server.setNotFoundHandler((request) => {
      throw new SignalboxError('not_found', `no route ${request.method} ${request.url.split('?')[0] ?? ''}`);
    });

    await server.register(swagger, {
      openapi: {
        // What every service has comes after what this one is for.
        tags: [...options.tags, { name: 'operations', description: 'Health and metrics, as of every service' }],
        info: { title: `Signalbox ${service}`, description: options.description, version },
        ...(config.current().master_key === undefined
          ? {}
          : {
              components: { securitySchemes: { key: { type: 'http', scheme: 'bearer' } } },
              security: [{ key: [] }],
            }),
      },
      transform: jsonSchemaTransform,
    });
    await server.register(swaggerUi, {
      routePrefix: '/docs',
      theme: {
        title: `Signalbox ${service}`,
        css: [{ filename: 'signalbox.css', content: '.topbar { display: none }' }],
      },
    });

    server.decorateRequest('span', null);
    if (traces !== null) traceRequests(server, traces);
    await addAuthentication(server);
    addRequestMetrics(server);
    await server.register((scope) => {
      const zodScope = withZod(scope);
      registerOperations(zodScope, {
        service,
        instanceId,
        config,
        metrics,
        checks: options.checks,
        isStopping: () => stopping,
      });
      options.routes(zodScope);
      return Promise.resolve();
    });
    return server;
  }

  function refuseDeepJson(server: FastifyInstance): void {
    const parse = server.getDefaultJsonParser('error', 'error');
    server.decorateRequest('rawBody');
    server.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (request, bytes, done) => {
      request.rawBody = bytes;
      const body = bytes.toString('utf8');
      if (!nestsDeeperThan(body, maxJsonDepth)) void parse(request, body, done);
      else done(new SignalboxError('invalid_request', `the body nests deeper than ${maxJsonDepth} levels`));
    });
  }

  async function addAuthentication(server: FastifyInstance): Promise<void> {
    const { authenticate = authenticateByKey(config.current) } = options;
    const table = { ...options.access, ...operationsAccess };
    const noteFailure = await limitFailures(server, { service, config: config.current, metrics });
    /** Whatever happens, the request is refused. */
    async function refuse(
      request: FastifyRequest,
      refusal: unknown,
      isKnown: boolean,
      done: (error: Error) => void,
    ): Promise<void> {
      let answer: Error;
      try {
        answer = await noteFailure(request, refusal, isKnown);
      } catch (error) {
        answer = error as Error;
      }
      done(answer);
    }
    // Without a promise for the many that are let in.
    server.addHook('onRequest', (request, _reply, done) => {
      const opening = openingOf(table, request);
      let refusal: unknown = null;
      let isKnown = false;
      try {
        if (opening !== 'everybody') {
          const { master_key: masterKey, allowed_hosts: allowedHosts } = config.current();
          if (masterKey === undefined) refuseStrangePages(request, allowedHosts);
          request.principal = authenticate(request);
          isKnown = true;
          // Where no key is needed, one that is sent all the same takes nothing away.
          if (masterKey !== undefined) refuseWithoutScope(opening, request.principal, request);
        }
        refuseCompressed(request);
      } catch (error) {
        refusal = error;
      }
      if (refusal === null) done();
      else void refuse(request, refusal, isKnown, done);
    });
  }

  function addRequestMetrics(server: FastifyInstance): void {
    const duration = metrics.histogram('signalbox_http_request_duration_seconds');
    const series = createSeries(duration);
    server.addHook('onResponse', (request, reply, done) => {
      const route = request.routeOptions.url ?? 'unknown';
      series(service, route, request.method, String(reply.statusCode)).observe(reply.elapsedTime / 1000);
      done();
    });
  }

  /** Readiness fails from now on: time for load balancers to see it, before connections are refused. */
  function leave(): Promise<void> {
    return (left ??= wave());
  }

  async function wave(): Promise<void> {
    stopping = true;
    connections?.leave();
    const { drain_delay_ms: drainDelayMs } = config.current();
    if (drainDelayMs > 0) await sleep(drainDelayMs);
  }

  return {
    name: `http:${service}`,
    leave,
    async start() {
      app = await build();
      connections = trackConnections(app.server);
      try {
        await app.listen({ host, port });
      } catch (error) {
        await app.close();
        if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') {
          throw new StartupError(
            `port ${port} (${service}) is in use; stop the other process or set ${service.toUpperCase()}_PORT (0 takes any free port)`,
            { cause: error },
          );
        }
        throw error;
      }
    },
    async stop() {
      if (app === undefined) return;
      await leave();
      const server = app.server;
      const { drain_timeout_ms: drainTimeoutMs } = config.current();
      const force = setTimeout(() => {
        log.warn({ service, drain_timeout_ms: drainTimeoutMs }, 'requests still open after the drain time are cut');
        server.closeAllConnections();
      }, drainTimeoutMs);
      try {
        const closed = app.close();
        connections?.drain();
        await closed;
      } finally {
        clearTimeout(force);
      }
    },
    port() {
      const address = app?.server.address() as AddressInfo | null | undefined;
      if (address == null) throw new Error(`${service} does not listen`);
      return address.port;
    },
  };
}

/** Bodies are not decompressed: a small one could become more than the memory holds. */
function refuseCompressed({ headers }: FastifyRequest): void {
  const encoding = headers['content-encoding'];
  if (encoding === undefined || encoding === '' || encoding.toLowerCase() === 'identity') return;
  throw new SignalboxError('unsupported_media_type', 'send the body without content-encoding');
}
