import { decisionsChannel } from '../contracts/event.ts';
import type { ServiceName } from '../contracts/api.ts';
import type { LiveConfig } from '../platform/config/live.ts';
import { systemClock } from '../platform/core/clock.ts';
import { composeServices, type HealthCheck, type Service } from '../platform/core/service.ts';
import { createHttpService } from '../platform/http/server.ts';
import { createListener } from '../platform/postgres/listen.ts';
import type { Pool } from '../platform/postgres/pool.ts';
import type { FindKey } from '../platform/security/principal.ts';
import type { Logger } from '../platform/telemetry/logger.ts';
import type { Metrics } from '../platform/telemetry/metrics.ts';
import { centralAccess } from './api/access-table.ts';
import { createAccess } from './api/access.ts';
import { registerAudit } from './api/audit.ts';
import { registerDashboard } from './api/dashboard.ts';
import { registerDeadLetters } from './api/dead-letters.ts';
import { registerDecisions } from './api/decisions.ts';
import { registerInstances } from './api/instances.ts';
import { registerKeys } from './api/keys.ts';
import { registerLive } from './api/live.ts';
import { registerModelMetrics } from './api/metrics-models.ts';
import { registerPage } from './api/page.ts';
import { registerPolicy } from './api/policy.ts';
import { registerRaces } from './api/races.ts';
import { registerSavings } from './api/savings.ts';
import { registerScores } from './api/scores.ts';
import { registerSecurityHeaders } from './api/security-headers.ts';
import { registerServices } from './api/services.ts';
import { registerSession } from './api/session.ts';
import { registerTeams } from './api/teams.ts';
import { createLive, liveChannels } from './dashboard/live.ts';
import { createSiblings } from './forward/siblings.ts';
import { createConsumer, createQueueGauge } from './consume/consumer.ts';
import { createFleetGauges, createSavingsGauge } from './gauges.ts';
import { createKeyEditor } from './keys/edit-keys.ts';
import { createLearner } from './learn/learner.ts';
import { createPredictorTrainer } from './learn/predictor-trainer.ts';
import { createLeaseForfeiture } from './maintain/forfeit-leases.ts';
import { createMaintenance } from './maintain/maintenance.ts';
import { createUnknownOutcomes } from './maintain/unknown-outcomes.ts';

export interface CentralOptions {
  config: LiveConfig;
  pool: Pool;
  /** Of the database that `pool` is for; notifications need a connection of their own. */
  connectionString: string;
  /** Virtual keys that open more than the router. Default: none is known. */
  findKey?: FindKey;
  /** Where the other services of this process listen; of others the configuration says it. */
  ports?: Readonly<Partial<Record<ServiceName, number>>>;
  log: Logger;
  metrics: Metrics;
}

/**
 * What the fleet learns: consumes decisions, aggregates them, learns scores and broadcasts these. Any number of them may
 * run on one database: all consume, and one at a time learns and maintains.
 */
export function createCentral(options: CentralOptions): Service & { port(): number } {
  const { config, pool, connectionString, log, metrics } = options;
  const settings = config.current;
  const access = createAccess(settings, systemClock, options.findKey);
  const live = createLive({ pool, log });
  const siblings = createSiblings(settings, options.ports ?? {});
  const editor = createKeyEditor(pool);
  const consumer = createConsumer({ config: settings, pool, log, metrics });
  const loops = {
    consumer,
    learner: createLearner({ config: settings, pool, log, metrics }),
    predictor: createPredictorTrainer({ config: settings, pool, connectionString, log, metrics }),
    maintenance: createMaintenance({ config: settings, pool, log, metrics }),
    leases: createLeaseForfeiture({ pool, log, metrics }),
    unknown_outcomes: createUnknownOutcomes({ config: settings, pool, log, metrics }),
    queue_length: createQueueGauge({ pool, log, metrics }),
    fleet_gauges: createFleetGauges({ pool, log, metrics }),
    savings_gauge: createSavingsGauge({ config: settings, pool, log, metrics }),
  };
  const listener = createListener({
    connectionString,
    channels: [decisionsChannel, ...liveChannels],
    onNotify(channel) {
      if (channel === decisionsChannel) consumer.wake();
      else live.onNotify(channel);
    },
    log,
  });
  const checked: Record<string, Service> = { ...loops, listener };
  const http = createHttpService({
    service: 'central',
    description: 'What the fleet has measured and learned.',
    access: centralAccess,
    authenticate: (request) => access.authenticate(request),
    tags: [
      { name: 'dashboard', description: 'What the page at / shows' },
      { name: 'session', description: 'Who asks' },
      { name: 'services', description: 'Other services through this one, for the page' },
      { name: 'decisions', description: 'What was decided, and how it turned out' },
      { name: 'races', description: 'Models that were asked the same at once, and which won' },
      { name: 'dead letters', description: 'Events that could not be counted' },
      { name: 'scores', description: 'What was learned' },
      { name: 'policy', description: 'What another policy would have been worth' },
      { name: 'savings', description: 'What routing costs and saves, and what becomes of quality' },
      { name: 'metrics', description: 'Statistics of each model' },
      { name: 'instances', description: 'Who takes part' },
      { name: 'keys', description: 'Virtual keys, what they may use, and what is left of it' },
      { name: 'teams', description: 'Keys that share limits' },
      { name: 'audit', description: 'What administrators have done' },
    ],
    config,
    log,
    metrics,
    checks: () =>
      Object.fromEntries(
        Object.entries(checked).map(([name, part]): [string, HealthCheck] => [name, part.health?.() ?? { ok: true }]),
      ),
    routes(app) {
      registerSecurityHeaders(app);
      registerPage(app);
      registerSession(app, access);
      registerDashboard(app, pool, systemClock, () => siblings.urlOf('router'));
      registerLive(app, live);
      registerServices(app, siblings);
      registerModelMetrics(app, pool);
      registerScores(app, pool);
      registerPolicy(app, pool, log);
      registerSavings(app, pool, systemClock, () => settings().routing.quality_floor ?? null);
      registerDecisions(app, pool);
      registerRaces(app, pool);
      registerDeadLetters(app, pool);
      registerInstances(app, pool);
      registerKeys(app, pool, editor);
      registerTeams(app, pool, editor);
      registerAudit(app, pool);
    },
  });
  // Stopped in reverse: nobody asks or wakes any more, then the rounds under way end.
  const service = composeServices('central', [...Object.values(loops), listener, siblings, http], log);
  return { ...service, port: () => http.port() };
}
