import type { Config } from '../platform/config/load.ts';
import { composeServices, type HealthCheck, type Service } from '../platform/core/service.ts';
import { createHttpService } from '../platform/http/server.ts';
import type { Pool } from '../platform/postgres/pool.ts';
import type { Provider } from '../platform/providers/definitions.ts';
import type { Logger } from '../platform/telemetry/logger.ts';
import type { Metrics } from '../platform/telemetry/metrics.ts';
import { registerRoutes } from './api/routes.ts';
import { createCandidateGauge } from './candidate-gauge.ts';
import { createDiscover } from './discover/discover.ts';
import { createSchedule } from './discover/schedule.ts';

export interface UpgradeOptions {
  config: Config;
  /** Apart from the configuration's, since the simulated ones may have joined them. */
  providers: readonly Provider[];
  pool: Pool;
  log: Logger;
  metrics: Metrics;
}

export interface Upgrade extends Service {
  /** The port listened on; only after `start`. */
  port(): number;
}

/** Finds the models that providers have brought out since they are known. */
export function createUpgrade(options: UpgradeOptions): Upgrade {
  const { config, providers, pool, metrics } = options;
  const log = options.log.child({ service: 'upgrade' });
  const intervalMs = config.upgrade.discover_ms;

  const discover = createDiscover({ providers, pool, listTimeoutMs: config.registry.list_timeout_ms, log, metrics });
  const schedule = createSchedule({ pool, intervalMs, discover, log });
  const gauge = createCandidateGauge({ pool, log, metrics });

  function readiness(): Record<string, HealthCheck> {
    const databaseError = gauge.lastError();
    return { database: databaseError === null ? { ok: true } : { ok: false, detail: databaseError } };
  }

  const http = createHttpService({
    service: 'upgrade',
    description: 'New models: what providers have brought out since they are known.',
    tags: [{ name: 'upgrade', description: 'Models that providers newly offer' }],
    config,
    log,
    metrics,
    checks: readiness,
    routes(app) {
      registerRoutes(app, { pool, discover, schedule, intervalMs });
    },
  });

  return { ...composeServices('upgrade', [gauge.loop, schedule, http], log), port: () => http.port() };
}
