import type { LiveConfig } from '../platform/config/live.ts';
import type { Live } from '../platform/core/live.ts';
import { composeServices, type HealthCheck, type Service } from '../platform/core/service.ts';
import { createHttpService } from '../platform/http/server.ts';
import type { Pool } from '../platform/postgres/pool.ts';
import type { Provider } from '../platform/providers/definitions.ts';
import { authenticateByKey, type FindKey } from '../platform/security/principal.ts';
import type { Logger } from '../platform/telemetry/logger.ts';
import type { Metrics } from '../platform/telemetry/metrics.ts';
import { registryAccess } from './api/access.ts';
import { registerReadRoutes } from './api/read-models.ts';
import { registerWriteRoutes } from './api/write-models.ts';
import { createEdit } from './catalogue/edit.ts';
import { createRefresh } from './catalogue/refresh.ts';
import { createProviderChecks } from './health/check-providers.ts';
import { createCatalogueGauges } from './health/gauges.ts';

export interface RegistryOptions {
  config: LiveConfig;
  /** Apart from the configuration's, since the simulated ones may have joined them. */
  providers: Live<readonly Provider[]>;
  pool: Pool;
  /** Virtual keys that open more than the router. Default: none is known. */
  findKey?: FindKey;
  log: Logger;
  metrics: Metrics;
}

export interface Registry extends Service {
  /** The port listened on; only after `start`. */
  port(): number;
}

/** The catalogue: which models there are, what they can do and cost, and whether their providers answer. */
export function createRegistry(options: RegistryOptions): Registry {
  const { config, providers, pool, metrics } = options;
  const log = options.log.child({ service: 'registry' });
  const listTimeoutMs = (): number => config.current().registry.list_timeout_ms;

  const gauges = createCatalogueGauges({ pool, log, metrics });
  const refresh = createRefresh({
    providers,
    pool,
    intervalMs: () => config.current().registry.refresh_ms,
    listTimeoutMs,
    triesNewModels: () => config.current().upgrade.mode !== 'off',
    log,
    metrics,
    onRefreshed: () => gauges.loop.wake(),
  });
  const checks = createProviderChecks({
    providers,
    pool,
    intervalMs: () => config.current().registry.health_check_ms,
    timeoutMs: listTimeoutMs,
    log,
    metrics,
  });
  config.onChange((now, before) => {
    if (now.providers === before.providers) return;
    refresh.loop.wake();
    checks.wake();
  });
  const edit = createEdit({ pool, providers });

  function readiness(): Record<string, HealthCheck> {
    const databaseError = gauges.lastError();
    return {
      database: databaseError === null ? { ok: true } : { ok: false, detail: databaseError },
      catalogue: refresh.isDone() ? { ok: true } : { ok: false, detail: 'the first refresh is under way' },
    };
  }

  const http = createHttpService({
    service: 'registry',
    description: 'The catalogue of models: capabilities, prices, measured performance, health.',
    tags: [
      { name: 'models', description: 'The catalogue' },
      { name: 'providers', description: 'Who answers, and how well' },
    ],
    config,
    log,
    metrics,
    checks: readiness,
    access: registryAccess,
    authenticate: authenticateByKey(config.current, options.findKey),
    routes(app) {
      registerReadRoutes(app, pool);
      registerWriteRoutes(app, { pool, edit, metrics });
    },
  });

  return { ...composeServices('registry', [refresh.loop, checks, gauges.loop, http], log), port: () => http.port() };
}
