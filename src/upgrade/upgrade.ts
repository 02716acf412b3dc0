import { catalogueChannel } from '../contracts/index.ts';
import { observationsChannel } from '../contracts/rollout.ts';
import type { LiveConfig } from '../platform/config/live.ts';
import { derive, type Live } from '../platform/core/live.ts';
import { composeServices, type HealthCheck, type Service } from '../platform/core/service.ts';
import { createHttpService } from '../platform/http/server.ts';
import { createListener } from '../platform/postgres/listen.ts';
import type { Pool } from '../platform/postgres/pool.ts';
import type { Provider } from '../platform/providers/definitions.ts';
import { authenticateByKey, type FindKey } from '../platform/security/principal.ts';
import type { Logger } from '../platform/telemetry/logger.ts';
import type { Metrics } from '../platform/telemetry/metrics.ts';
import { upgradeAccess } from './api/access.ts';
import { registerRoutes } from './api/routes.ts';
import { registerIncidents } from './api/incidents.ts';
import { registerRefiners } from './api/refiners.ts';
import { registerRollouts } from './api/rollouts.ts';
import { createDiscover, type Discover } from './discover/discover.ts';
import { createSchedule } from './discover/schedule.ts';
import { createUpgradeGauges } from './gauges.ts';
import { createSweep } from './refiners/sweep.ts';
import { createActions } from './rollouts/actions.ts';
import { createEngine } from './rollouts/engine.ts';
import { createRolloutMetrics } from './rollouts/metrics.ts';
import { createProposer } from './rollouts/propose-rollouts.ts';
import { rolloutSettings } from './rollouts/settings.ts';

export interface UpgradeOptions {
  config: LiveConfig;
  /** Apart from the configuration's, since the simulated ones may have joined them. */
  providers: Live<readonly Provider[]>;
  pool: Pool;
  /** Of the database that `pool` is for; notifications need a connection of their own. */
  connectionString: string;
  /** Virtual keys that open more than the router. Default: none is known. */
  findKey?: FindKey;
  log: Logger;
  metrics: Metrics;
}

export interface Upgrade extends Service {
  /** The port listened on; only after `start`. */
  port(): number;
}

/**
 * Finds the models that providers have brought out since they are known, tries them beside those in use, and gives them
 * their place or takes it away. Any number may run on one database: one at a time discovers, and one at a time decides.
 */
export function createUpgrade(options: UpgradeOptions): Upgrade {
  const { config, providers, pool, connectionString, metrics } = options;
  const log = options.log.child({ service: 'upgrade' });
  const intervalMs = (): number => config.current().upgrade.discover_ms;
  const settings = derive(
    () => config.current().upgrade,
    (upgrade) => rolloutSettings({ upgrade }),
  );
  const budgetMs = (): number => config.current().deadlines.refinement_ms;

  const counts = createRolloutMetrics(metrics);
  const gauges = createUpgradeGauges({ pool, settings, log, metrics });
  const engine = createEngine({ pool, settings, log, metrics: counts });
  const proposer = createProposer({
    pool,
    settings,
    log,
    metrics: counts,
    onProposed() {
      engine.wake();
      gauges.loop.wake();
    },
  });
  // What was observed is for the engine; a change of the catalogue may make a proposal void, or possible.
  const listener = createListener({
    connectionString,
    channels: [observationsChannel, catalogueChannel],
    onNotify: (channel) => (channel === observationsChannel ? engine : proposer.loop).wake(),
    log,
  });
  const sweep = createSweep({ pool, budgetMs, isAutomatic: () => settings().mode === 'auto', log });
  const listTimeoutMs = (): number => config.current().registry.list_timeout_ms;
  const list = createDiscover({ providers, pool, listTimeoutMs, log, metrics });
  const discover: Discover = async (trigger, signal) => {
    const run = await list(trigger, signal);
    await proposer.propose();
    if (trigger === 'schedule') await sweep();
    return run;
  };
  const schedule = createSchedule({ pool, intervalMs, discover, log, metrics });
  const act = createActions({ pool, settings, log, metrics: counts, onStep: () => gauges.loop.wake() });

  function readiness(): Record<string, HealthCheck> {
    const databaseError = gauges.lastError();
    return {
      database: databaseError === null ? { ok: true } : { ok: false, detail: databaseError },
      rollouts: engine.health?.() ?? { ok: true },
      listener: listener.health?.() ?? { ok: true },
    };
  }

  const http = createHttpService({
    service: 'upgrade',
    description: 'New models: what providers have brought out, how it is tried, and what became of it.',
    tags: [
      { name: 'upgrade', description: 'Models that providers newly offer' },
      { name: 'rollouts', description: 'How they are tried in the place of others' },
      { name: 'incidents', description: 'Models in use that changed without a word' },
      { name: 'refiners', description: 'Models that are fast and cheap enough to refine questions' },
    ],
    config,
    log,
    metrics,
    checks: readiness,
    access: upgradeAccess,
    authenticate: authenticateByKey(config.current, options.findKey),
    routes(app) {
      registerRoutes(app, { pool, discover, schedule, intervalMs });
      registerRollouts(app, { pool, act, settings });
      registerIncidents(app, pool);
      registerRefiners(app, { pool, sweep, budgetMs });
    },
  });

  // Stopped in reverse: nobody asks any more, then the rounds under way end.
  const parts = [gauges.loop, engine, proposer.loop, listener, schedule, http];
  return { ...composeServices('upgrade', parts, log), port: () => http.port() };
}
