import { readFileSync } from 'node:fs';
import {
  catalogueChannel,
  predictorsChannel,
  scoresChannel,
  scoreUpdatesPattern,
  scoreUpdateSchema,
} from '../../contracts/event.ts';
import type { ProviderHealth } from '../../contracts/model.ts';
import type { Model } from '../../contracts/model.ts';
import { derive, type Live } from '../../platform/core/live.ts';
import { createLoop } from '../../platform/core/loop.ts';
import type { HealthCheck, Service } from '../../platform/core/service.ts';
import { version } from '../../platform/core/version.ts';
import { createListener } from '../../platform/postgres/listen.ts';
import { hasTopics } from '../../platform/postgres/pgmq-install.ts';
import { bindTopic, createQueue, deleteBatch, readBatch } from '../../platform/postgres/pgmq.ts';
import type { Pool } from '../../platform/postgres/pool.ts';
import type { Provider } from '../../platform/providers/definitions.ts';
import { listComplexityScores } from '../../platform/store/complexity-scores.ts';
import { listCellBeliefs } from '../../platform/store/learner-cells.ts';
import { type ConfigVersion, heartbeatInstance, registerInstance } from '../../platform/store/instances.ts';
import { listOfferedModels } from '../../platform/store/models.ts';
import { readFeatureSalt } from '../../platform/store/predictors.ts';
import { listProviderHealth } from '../../platform/store/provider-health.ts';
import { createFeatureScrambler, type FeatureScrambler } from '../../platform/security/feature-scrambler.ts';
import type { Logger } from '../../platform/telemetry/logger.ts';
import type { Metrics } from '../../platform/telemetry/metrics.ts';
import { decodePrior, shippedPrior } from '../../prediction/prior.ts';
import type { ActiveRollout } from '../select/rollout.ts';
import { createPredictorReader } from './predictor-reader.ts';
import { createRolloutWatch } from './rollout-watch.ts';
import { scoreQueueName } from './score-queue.ts';
import {
  buildSnapshot,
  emptySnapshot,
  type LearnedBelief,
  type LearnedScore,
  type Snapshot,
  withRollouts,
} from './snapshot.ts';

export interface SnapshotService extends Service {
  /** The newest snapshot; never waits. Empty until the catalogue was read once. */
  current(): Snapshot;
  /** Makes what is logged of prompts unreadable; null until its secret was read. */
  scrambler(): FeatureScrambler | null;
}

export interface SnapshotServiceOptions {
  pool: Pool;
  connectionString: string;
  instanceId: string;
  providers: Live<readonly Provider[]>;
  /** A part of the secret that scrambles features, where there is one. */
  masterKey: Live<string | undefined>;
  /** Whether what was learned of prompts takes part in choices. */
  usesPredictor: Live<boolean>;
  /** Which configuration is in force, for those who look after the fleet. */
  configVersion: Live<ConfigVersion>;
  log: Logger;
  metrics: Metrics;
}

/** Score updates wake the reader at once; this is how long a lost notification can delay one. */
const queuePollMs = 1000;
/** The tables are the truth: they are read again in case the queue lost something. */
const reloadMs = 30_000;
/** What is believed of models changes with every answer, a little; it is read again so often. */
const beliefsMs = 5000;
const heartbeatMs = 5000;
const queueBatch = 100;
const visibilitySeconds = 30;

/**
 * Keeps what decisions need in memory: the catalogue, provider health and learned scores. Announces the instance, and
 * applies score updates from its own queue in the order of their sequence. While Postgres is away the last snapshot
 * serves on.
 */
export function createSnapshotService(options: SnapshotServiceOptions): SnapshotService {
  const { pool, connectionString, instanceId, providers, masterKey, usesPredictor, log, metrics } = options;
  const queue = scoreQueueName(instanceId);
  const applied = metrics.counter('signalbox_score_updates_applied_total');
  const modelCount = metrics.gauge('signalbox_snapshot_models');
  const failures = metrics.counter('signalbox_loop_failures_total');
  metrics.sampledGauge('signalbox_snapshot_age_seconds', () =>
    beliefsReadAtMs === 0 ? [] : [[{}, (Date.now() - beliefsReadAtMs) / 1000]],
  );
  let models: readonly Model[] = [];
  let health: readonly ProviderHealth[] = [];
  let scores = new Map<string, LearnedScore>();
  let beliefs: readonly LearnedBelief[] = [];
  let scrambler: Live<FeatureScrambler> | null = null;
  const prior = derive(usesPredictor, (uses) => (uses ? decodePrior(readFileSync(shippedPrior)) : null));
  const predictors = createPredictorReader(pool, log);
  let beliefsReadAtMs = 0;
  let sequence = 0;
  let snapshot: Snapshot = emptySnapshot;
  /** The list of rollouts that the snapshot was made with. */
  let shownRollouts: readonly ActiveRollout[] = [];
  /** What of the configuration it was made with. */
  let shownProviders = providers();
  let shownPrior = prior();
  let joined = false;
  let endFirstRound: () => void = () => undefined;
  const firstRound = new Promise<void>((resolve) => {
    endFirstRound = resolve;
  });
  const startedAt = new Date();
  const rollouts = createRolloutWatch({ pool, connectionString, log, metrics });

  const cell = (score: Pick<LearnedScore, 'model' | 'complexity'>): string => `${score.complexity} ${score.model}`;

  function rebuild(): void {
    shownRollouts = rollouts.current();
    shownProviders = providers();
    shownPrior = prior();
    snapshot = buildSnapshot({
      models,
      health,
      learnedScores: [...scores.values()],
      beliefs,
      instanceId,
      providers: shownProviders,
      rollouts: shownRollouts,
      predictor: usesPredictor() ? predictors.current() : null,
      prior: shownPrior,
      scoreSequence: sequence,
      nowMs: Date.now(),
    });
    modelCount.set(snapshot.models.length);
  }

  async function reload(): Promise<void> {
    const sequenceBefore = sequence;
    const [offered, providerHealth, learned] = await Promise.all([
      listOfferedModels(pool),
      listProviderHealth(pool),
      listComplexityScores(pool),
      readBeliefs(),
      usesPredictor() ? predictors.read() : undefined,
    ]);
    if (scrambler === null) {
      const salt = await readFeatureSalt(pool);
      scrambler = derive(masterKey, (key) => createFeatureScrambler(salt, key));
    }
    models = offered;
    health = providerHealth;
    // A newer update may have come by the queue while the tables were read. Tables that are behind what was known before
    // are those of a backup that was restored.
    if (learned.seq >= sequence || learned.seq < sequenceBefore) {
      scores = new Map(
        learned.rows.map((row) => [cell(row), { model: row.model, complexity: row.complexity, score: row.score }]),
      );
      sequence = learned.seq;
    }
    rebuild();
  }

  /** Those that have not been kept up lately are none: the catalogue and what was published serve on. */
  async function readBeliefs(): Promise<void> {
    beliefs = await listCellBeliefs(pool);
    beliefsReadAtMs = Date.now();
  }

  /** The queue is bound before the tables are read, so that no update falls between the two. */
  async function join(): Promise<void> {
    await createQueue(pool, queue);
    if (await hasTopics(pool)) await bindTopic(pool, scoreUpdatesPattern, queue);
    await registerInstance(pool, {
      instanceId,
      service: 'router',
      version,
      queueName: queue,
      address: null,
      startedAt,
      ...options.configVersion(),
    });
    joined = true;
  }

  async function applyUpdates(): Promise<'again' | undefined> {
    const batch = await readBatch(pool, queue, visibilitySeconds, queueBatch);
    if (batch.length === 0) {
      if (Date.now() - beliefsReadAtMs < beliefsMs) return undefined;
      await readBeliefs();
      rebuild();
      return undefined;
    }
    const updates = batch.flatMap(({ message }) => {
      const parsed = scoreUpdateSchema.safeParse(message);
      return parsed.success ? [parsed.data] : [];
    });
    updates.sort((a, b) => (a.seq ?? 0) - (b.seq ?? 0));
    for (const update of updates) {
      // What is not newer is in the snapshot already. An update without a sequence comes from a foreign learner.
      if (update.seq !== undefined && update.seq <= sequence) continue;
      scores.set(cell(update), { model: update.model, complexity: update.complexity, score: update.new_score });
      sequence = Math.max(sequence, update.seq ?? 0);
      applied.inc();
    }
    // A score that moved comes with a belief that did.
    await readBeliefs();
    rebuild();
    await deleteBatch(
      pool,
      queue,
      batch.map((message) => message.messageId),
    );
    return batch.length === queueBatch ? 'again' : undefined;
  }

  const reloader = createLoop({
    name: 'snapshot reload',
    intervalMs: reloadMs,
    maxBackoffMs: 5000,
    log,
    failures,
    async runOnce() {
      try {
        if (!joined) await join();
        await reload();
      } finally {
        endFirstRound();
      }
    },
  });
  const updater = createLoop({
    name: 'score updates',
    intervalMs: queuePollMs,
    log,
    failures,
    async runOnce() {
      return joined ? applyUpdates() : undefined;
    },
  });
  const heartbeat = createLoop({
    name: 'heartbeat',
    intervalMs: heartbeatMs,
    log,
    failures,
    async runOnce() {
      if (!joined) return;
      const known = await heartbeatInstance(pool, instanceId, sequence, options.configVersion());
      // Central forgot this instance while it could not be reached, and its queue with it.
      if (!known) {
        await join();
        reloader.wake();
      }
    },
  });
  const listener = createListener({
    connectionString,
    channels: [catalogueChannel, scoresChannel, predictorsChannel],
    onNotify(channel) {
      if (channel === scoresChannel) updater.wake();
      else reloader.wake();
    },
    log,
  });

  return {
    name: 'snapshot',
    current() {
      // An empty one is filled by the first reading of the catalogue.
      const isOutdated = providers() !== shownProviders || prior() !== shownPrior;
      if (isOutdated && snapshot.loadedAtMs !== 0) rebuild();
      const active = rollouts.current();
      if (active !== shownRollouts) {
        snapshot = withRollouts(snapshot, active);
        shownRollouts = active;
      }
      return snapshot;
    },
    scrambler: () => scrambler?.() ?? null,
    async start() {
      await Promise.all([reloader.start(), updater.start(), heartbeat.start(), listener.start(), rollouts.start()]);
      // Where there is a catalogue already, the first request meets it.
      await firstRound;
    },
    async stop() {
      await Promise.all([reloader.stop(), updater.stop(), heartbeat.stop(), listener.stop(), rollouts.stop()]);
    },
    health(): HealthCheck {
      if (snapshot.loadedAtMs === 0) return { ok: false, detail: 'the catalogue was not read yet' };
      if (snapshot.models.length === 0)
        return { ok: false, detail: 'the catalogue has no model of a configured provider' };
      return { ok: true };
    },
  };
}
