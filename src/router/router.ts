import type { Config } from '../platform/config/load.ts';
import { systemClock } from '../platform/core/clock.ts';
import { composeServices, type Service } from '../platform/core/service.ts';
import { createHttpService } from '../platform/http/server.ts';
import type { Pool } from '../platform/postgres/pool.ts';
import type { Provider } from '../platform/providers/definitions.ts';
import { findDecision } from '../platform/store/routing-records.ts';
import type { Logger } from '../platform/telemetry/logger.ts';
import type { Metrics } from '../platform/telemetry/metrics.ts';
import { registerChatCompletions } from './api/chat-completions.ts';
import { registerClassify } from './api/classify.ts';
import { registerFeedback } from './api/feedback.ts';
import { registerModels } from './api/models.ts';
import { registerRoute } from './api/route.ts';
import { createGateway } from './gateway.ts';
import { policyFromConfig, policyVersion } from './policy-from-config.ts';
import { createLatencyTracker } from './predict/latency.ts';
import { createPublisher } from './publish/publisher.ts';
import { createRecentDecisions } from './publish/recent-decisions.ts';
import { createSnapshotService } from './snapshot/snapshot-service.ts';
import { createAiSdkAdapter } from './upstream/ai-sdk/adapter.ts';
import { createPassThrough } from './upstream/pass-through.ts';
import type { CallUpstream } from './upstream/upstream.ts';

export interface RouterOptions {
  config: Config;
  providers: readonly Provider[];
  pool: Pool;
  connectionString: string;
  log: Logger;
  metrics: Metrics;
}

/** Decisions that feedback finds without asking Postgres. */
const rememberedDecisions = 20_000;

/** The router service: decides, calls, publishes. */
export function createRouter(options: RouterOptions): Service & { port(): number } {
  const { config, providers, pool, connectionString, metrics } = options;
  const log = options.log.child({ service: 'router' });
  const instanceId = config.instance_id;
  const policy = policyFromConfig(config);
  const recent = createRecentDecisions(rememberedDecisions);

  const snapshots = createSnapshotService({ pool, connectionString, instanceId, providers, log, metrics });
  const publisher = createPublisher({
    pool,
    bufferSize: config.events.buffer_size,
    batchSize: config.events.batch_size,
    flushMs: config.events.flush_ms,
    log,
    metrics,
  });
  const passThrough = createPassThrough({
    connections: config.upstream.connections,
    connectTimeoutMs: config.upstream.connect_timeout_ms,
  });
  const translated = createAiSdkAdapter();
  const call: CallUpstream = (request) =>
    request.provider.dialect === 'openai' ? passThrough.call(request) : translated(request);

  const gateway = createGateway({
    config,
    instanceId,
    policy,
    policyVersion: policyVersion(policy),
    snapshots,
    latency: createLatencyTracker(),
    publisher,
    recent,
    call,
    clock: systemClock,
    metrics,
  });

  const http = createHttpService({
    service: 'router',
    description: 'Routes each request to the model that answers it well for the least.',
    tags: [
      { name: 'openai', description: 'OpenAI’s own API; `auto` as the model lets Signalbox choose' },
      { name: 'routing', description: 'Decisions without a call, and feedback' },
    ],
    config,
    log,
    metrics,
    checks: () => ({
      catalogue: snapshots.health?.() ?? { ok: true },
      events: publisher.health?.() ?? { ok: true },
    }),
    routes(app) {
      registerRoute(app, { gateway, deadlines: config.deadlines });
      registerClassify(app);
      registerModels(app, () => snapshots.current());
      registerFeedback(app, { recent, findStored: (id) => findDecision(pool, id), publisher, instanceId });
      registerChatCompletions(app, { gateway, clock: systemClock, streamIdleMs: config.deadlines.stream_idle_ms });
    },
  });
  const upstreamConnections: Service = {
    name: 'upstream connections',
    start: () => Promise.resolve(),
    stop: () => passThrough.close(),
  };

  // Stopped in reverse: first no more requests, then the events of the last ones are sent.
  const service = composeServices('router', [snapshots, publisher, upstreamConnections, http], log);
  return { ...service, port: () => http.port() };
}
