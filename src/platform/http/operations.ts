import { z } from 'zod';
import { type Health, healthSchema, type ServiceName } from '../../contracts/api.ts';
import { type ConfigAnswer, configAnswerSchema } from '../../contracts/config-api.ts';
import type { LiveConfig } from '../config/live.ts';
import type { HealthCheck } from '../core/service.ts';
import { version } from '../core/version.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { ZodApp } from './zod-app.ts';

export interface OperationsOptions {
  service: ServiceName;
  instanceId: string;
  config: LiveConfig;
  metrics: Metrics;
  checks(): Record<string, HealthCheck>;
  isStopping(): boolean;
}

/** `/health*`, `/config`, `/metrics` and `/openapi.json`: the routes that every service has. */
export function registerOperations(app: ZodApp, options: OperationsOptions): void {
  const startedAtMs = Date.now();
  registerConfigMetrics(options);

  function health(): Health {
    const checks = { ...options.checks(), configuration: configurationCheck(options.config) };
    const allOk = Object.values(checks).every((check) => check.ok);
    return {
      status: options.isStopping() ? 'stopping' : allOk ? 'ok' : 'degraded',
      service: options.service,
      version,
      instance_id: options.instanceId,
      config_version: options.config.state().version,
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
    '/config',
    {
      schema: {
        tags: ['operations'],
        summary: 'The configuration in force, secrets replaced',
        response: { 200: configAnswerSchema },
      },
    },
    async () => configAnswer(options.config),
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

/** A file that is wrong, or waits for a restart, takes nothing from how the service works: it stays ready. */
function configurationCheck(config: LiveConfig): HealthCheck {
  const { problem, needsRestart } = config.state();
  const waiting = needsRestart.length === 0 ? [] : [`wait for a restart: ${needsRestart.join(', ')}`];
  const details = [...(problem === null ? [] : [`not taken over: ${problem}`]), ...waiting];
  return details.length === 0 ? { ok: true } : { ok: true, detail: details.join('; ') };
}

function configAnswer(config: LiveConfig): ConfigAnswer {
  const state = config.state();
  return {
    version: state.version,
    loaded_at: state.loadedAt,
    file: state.file,
    file_hash: state.fileHash,
    problem: state.problem,
    needs_restart: [...state.needsRestart],
    settings: state.settings,
  };
}

function registerConfigMetrics({ config, metrics }: OperationsOptions): void {
  metrics.sampledGauge('signalbox_config_version', () => [[{}, config.state().version]]);
  metrics.sampledGauge('signalbox_config_last_reload_successful', () => [
    [{}, config.state().problem === null ? 1 : 0],
  ]);
  metrics.sampledGauge('signalbox_config_settings_waiting_for_restart', () => [
    [{}, config.state().needsRestart.length],
  ]);
}
