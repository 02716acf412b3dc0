import { randomUUID } from 'node:crypto';
import type { Config } from '../platform/config/load.ts';
import type { LiveConfig } from '../platform/config/live.ts';
import { systemClock } from '../platform/core/clock.ts';
import { derive, type Live } from '../platform/core/live.ts';
import { composeServices, type Service } from '../platform/core/service.ts';
import { createHttpService } from '../platform/http/server.ts';
import type { Pool } from '../platform/postgres/pool.ts';
import type { Provider } from '../platform/providers/definitions.ts';
import { createRandom } from '../statistics/random.ts';
import { findDecision } from '../platform/store/routing-records.ts';
import type { Logger } from '../platform/telemetry/logger.ts';
import type { Metrics } from '../platform/telemetry/metrics.ts';
import { createOtlp } from '../platform/telemetry/otlp.ts';
import { createAdmission } from './admission/create-admission.ts';
import { routerAccess } from './api/access.ts';
import { authenticateWith } from './api/authenticate.ts';
import { messagesRequestSchema } from '../contracts/anthropic.ts';
import { chatCompletionRequestSchema, embeddingsRequestSchema, responsesRequestSchema } from '../contracts/openai.ts';
import { createAccounting } from './accounting.ts';
import { type AnswerRoute, registerAnswers } from './api/answers.ts';
import { registerCountTokens } from './api/count-tokens.ts';
import { registerPassThrough } from './api/pass-through.ts';
import { registerClassify } from './api/classify.ts';
import { registerFeedback } from './api/feedback.ts';
import { registerModels } from './api/models.ts';
import { registerRace } from './api/race.ts';
import { registerRoute } from './api/route.ts';
import { callSignals } from './call-signals.ts';
import { createGateway } from './gateway.ts';
import { explorationFromConfig, versionedPolicy } from './policy-from-config.ts';
import { createLatencyTracker } from './predict/latency.ts';
import { registerQualityMetrics } from './quality-metrics.ts';
import { createPublisher } from './publish/publisher.ts';
import { createRecentDecisions } from './publish/recent-decisions.ts';
import { reachedOtherwise } from './resilience/reached-otherwise.ts';
import { createRacing } from './racing/racing.ts';
import { createFirstAttempts } from './shadow/first-attempts.ts';
import { createShadow } from './shadow/shadow.ts';
import { createSnapshotService } from './snapshot/snapshot-service.ts';
import { callThroughAiSdk } from './upstream/ai-sdk/adapter.ts';
import { createPassThrough } from './upstream/pass-through.ts';
import { type CallUpstream, passesThrough } from './upstream/upstream.ts';
import { registerResilienceMetrics } from './resilience/resilience-metrics.ts';
import { createResilience } from './resilience/resilience.ts';
import { createAffinity } from './select/affinity.ts';
import { createCostPacer } from './select/cost-pacer.ts';
import { createQualityFloor } from './select/quality-floor.ts';
import { createExplorer, type Explorer } from './select/explorer.ts';
import { createVerifier } from './verify/verifier.ts';
import { chatSurface } from './surfaces/chat/surface.ts';
import { embeddingsSurface } from './surfaces/embeddings/surface.ts';
import { messagesSurface } from './surfaces/messages/surface.ts';
import { responsesSurface } from './surfaces/responses/surface.ts';

export interface RouterOptions {
  config: LiveConfig;
  providers: Live<readonly Provider[]>;
  pool: Pool;
  connectionString: string;
  log: Logger;
  metrics: Metrics;
}

/** Conversations whose model is known. */
const rememberedConversations = 50_000;

const answerRoutes: readonly AnswerRoute[] = [
  {
    surface: chatSurface,
    url: '/v1/chat/completions',
    tag: 'openai',
    summary: 'Answer a conversation; `auto` chooses the model',
    body: chatCompletionRequestSchema,
    errorShape: 'openai',
  },
  {
    surface: responsesSurface,
    url: '/v1/responses',
    tag: 'openai',
    summary: 'Answer in the form of Responses; `auto` chooses the model',
    body: responsesRequestSchema,
    errorShape: 'openai',
  },
  {
    surface: embeddingsSurface,
    url: '/v1/embeddings',
    tag: 'openai',
    summary: 'Embed texts with the model that is named',
    body: embeddingsRequestSchema,
    errorShape: 'openai',
  },
  {
    surface: messagesSurface,
    url: '/v1/messages',
    tag: 'anthropic',
    summary: 'Answer a conversation in Anthropic’s form; `auto` chooses the model',
    body: messagesRequestSchema,
    errorShape: 'anthropic',
  },
];

/** Decisions that feedback finds without asking Postgres. */
const rememberedDecisions = 20_000;

const noExploration: Explorer = { next: () => null };

/** For copies, which are called once each. */
function withoutRepeats(config: Config): Config {
  const { retries, resilience } = config;
  return {
    ...config,
    retries: { ...retries, same_model: 0 },
    resilience: { ...resilience, hedge: { ...resilience.hedge, enabled: false } },
  };
}

/** The router service: decides, calls, publishes. */
export function createRouter(options: RouterOptions): Service & { port(): number } {
  const { config, providers, pool, connectionString, metrics } = options;
  const log = options.log.child({ service: 'router' });
  const settings = config.current;
  const { instance_id: instanceId, data_dir: dataDir, events } = settings();
  const recent = createRecentDecisions(rememberedDecisions);

  const admission = createAdmission({
    pool,
    connectionString,
    instanceId,
    config: settings,
    clock: systemClock,
    log,
    metrics,
  });
  const snapshots = createSnapshotService({
    pool,
    connectionString,
    instanceId,
    providers,
    masterKey: () => settings().master_key,
    usesPredictor: () => settings().routing.predictor.enabled,
    configVersion() {
      const { version, fileHash } = config.state();
      return { configVersion: version, configHash: fileHash };
    },
    log,
    metrics,
  });
  const publisher = createPublisher({
    pool,
    connectionString,
    instanceId,
    dataDir,
    bufferSize: events.buffer_size,
    batchSize: events.batch_size,
    flushMs: events.flush_ms,
    outboxMaxBytes: events.outbox_max_bytes,
    log,
    metrics,
  });
  const passThrough = createPassThrough(
    derive(
      () => settings().upstream,
      ({ connections, connect_timeout_ms: connectTimeoutMs }) => ({ connections, connectTimeoutMs }),
    ),
  );
  const call: CallUpstream = (upstream) =>
    passesThrough(upstream.provider, upstream.request.surface)
      ? passThrough.call(upstream)
      : callThroughAiSdk(upstream);
  const resilienceSettings = (): Config['resilience'] => settings().resilience;
  const resilience = createResilience(resilienceSettings, Math.random);
  const resilienceOfCopies = createResilience(resilienceSettings, Math.random);
  registerResilienceMetrics(metrics, resilience, systemClock);
  config.onChange((now, before) => {
    for (const name of reachedOtherwise(now.providers, before.providers)) {
      resilience.forget(name);
      resilienceOfCopies.forget(name);
    }
  });
  const affinity = createAffinity(rememberedConversations);
  const explorer = derive(
    () => settings().routing.exploration,
    () => createExplorer(explorationFromConfig(settings()), createRandom(randomUUID())),
  );
  const costPacer = derive(
    () => settings().routing.target_cost_usd,
    (targetUsd) => (targetUsd === undefined ? null : createCostPacer(targetUsd, settings().routing.weights.cost)),
  );
  const qualityFloor = derive(
    () => settings().routing.quality_floor,
    (floor) => (floor === undefined ? null : createQualityFloor(floor)),
  );
  registerQualityMetrics(metrics, qualityFloor);
  const accounting = createAccounting({
    instanceId,
    publisher,
    scrambler: () => snapshots.scrambler(),
    clock: systemClock,
    metrics,
  });

  const otlp = createOtlp({ config: settings(), log, metrics });
  const signalsOf = otlp === null ? null : callSignals(otlp.measure, metrics.boundedLabel);
  const firstAttempts = createFirstAttempts();
  const common = {
    policy: derive(() => settings().routing, versionedPolicy),
    snapshots,
    admission,
    accounting: firstAttempts.observe(accounting),
    call,
    signalsOf,
    clock: systemClock,
  };
  const gateway = createGateway({
    ...common,
    config: settings,
    latency: createLatencyTracker(),
    affinity,
    explorer,
    qualityFloor,
    costPacer,
    resilience,
    recent,
  });
  const shadow = createShadow({
    // Copies are called once each, and what they meet with is no experience of users.
    gateway: createGateway({
      ...common,
      config: derive(settings, withoutRepeats),
      latency: createLatencyTracker(),
      affinity: createAffinity(1),
      explorer: () => noExploration,
      costPacer: () => null,
      qualityFloor: () => null,
      resilience: resilienceOfCopies,
      recent: createRecentDecisions(1),
    }),
    accounting,
    attempts: firstAttempts,
    verifier: createVerifier(),
    currentSnapshot: () => snapshots.current(),
    config: settings,
    pool,
    log,
    metrics,
    random: Math.random,
  });

  const verifier = createVerifier();
  const racing = createRacing({
    gateway,
    accounting,
    verifier,
    config: settings,
    clock: systemClock,
    metrics,
    random: Math.random,
  });

  const http = createHttpService({
    service: 'router',
    description: 'Routes each request to the model that answers it well for the least.',
    tags: [
      { name: 'openai', description: 'OpenAI’s own API; `auto` as the model lets Signalbox choose' },
      { name: 'anthropic', description: 'Anthropic’s own API, the same models behind it' },
      { name: 'routing', description: 'Decisions without a call, and feedback' },
    ],
    config,
    log,
    metrics,
    access: routerAccess,
    authenticate: authenticateWith(admission),
    traces: otlp,
    checks: () => ({
      keys: admission.health?.() ?? { ok: true },
      catalogue: snapshots.health?.() ?? { ok: true },
      events: publisher.health?.() ?? { ok: true },
    }),
    routes(app) {
      const aliases = (): Config['routing']['aliases'] => settings().routing.aliases;
      registerRoute(app, { gateway, affinity, clock: systemClock, deadlines: () => settings().deadlines });
      registerClassify(app);
      registerModels(app, () => snapshots.current(), aliases);
      registerFeedback(app, { recent, findStored: (id) => findDecision(pool, id), publisher, instanceId });
      const streamIdleMs = (): number => settings().deadlines.stream_idle_ms;
      for (const route of answerRoutes)
        registerAnswers(app, route, { gateway, affinity, clock: systemClock, streamIdleMs, racing, shadow });
      registerRace(app, { racing, streamIdleMs });
      registerCountTokens(app, { currentSnapshot: () => snapshots.current(), aliases, passThrough });
      registerPassThrough(app, {
        gateway,
        accounting,
        passThrough,
        signalsOf,
        currentSnapshot: () => snapshots.current(),
        clock: systemClock,
      });
    },
  });
  const upstreamConnections: Service = {
    name: 'upstream connections',
    start: () => Promise.resolve(),
    stop: () => passThrough.close(),
  };

  // Stopped in reverse: first no more requests, then the events of the last ones are sent.
  const service = composeServices(
    'router',
    [...(otlp === null ? [] : [otlp]), snapshots, admission, publisher, upstreamConnections, verifier, shadow, http],
    log,
  );
  return { ...service, port: () => http.port() };
}
