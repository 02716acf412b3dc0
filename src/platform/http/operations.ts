import { z } from 'zod';
import { type Health, healthSchema, type ServiceName } from '../../contracts/api.ts';
import type { HealthCheck } from '../core/service.ts';
import { version } from '../core/version.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { ZodApp } from './zod-app.ts';

export interface OperationsOptions {
  service: ServiceName;
  instanceId: string;
  metrics: Metrics;
  checks(): Record<string, HealthCheck>;
  isStopping(): boolean;
}

/** `/health*`, `/metrics` and `/openapi.json`: the routes that every service has. */
export function registerOperations(app: ZodApp, options: OperationsOptions): void {
  const startedAtMs = Date.now();

  function health(): Health {
    const checks = options.checks();
    const allOk = Object.values(checks).every((check) => check.ok);
    return {
      status: options.isStopping() ? 'stopping' : allOk ? 'ok' : 'degraded',
      service: options.service,
      version,
      instance_id: options.instanceId,
      uptime_seconds: Math.round((Date.now() - startedAtMs) / 100) / 10,
      checks,
    };
  }

  const schema = { tags: ['operations'], response: { 200: healthSchema, 503: healthSchema } };

  app.get(
    '/health',
    { schema: { ...schema, summary: 'How the service is; 200 also while degraded' } },
    async (_request, reply) => {
      const state = health();
      void reply.status(state.status === 'stopping' ? 503 : 200);
      return state;
    },
  );
  for (const url of ['/health/liveness', '/health/liveliness']) {
    app.get(url, { schema: { ...schema, summary: 'Whether the process answers' } }, async () => health());
  }
  app.get(
    '/health/readiness',
    { schema: { ...schema, summary: 'Whether to send requests here' } },
    async (_request, reply) => {
      const state = health();
      void reply.status(state.status === 'ok' ? 200 : 503);
      return state;
    },
  );
  app.get(
    '/metrics',
    { schema: { tags: ['operations'], summary: 'Metrics for Prometheus', response: { 200: z.string() } } },
    async (_request, reply) => {
      void reply.type(options.metrics.registry.contentType);
      return options.metrics.text();
    },
  );
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
}
