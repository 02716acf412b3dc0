import { predictorsChannel } from '../../contracts/event.ts';
import type { Config } from '../../platform/config/load.ts';
import type { Live } from '../../platform/core/live.ts';
import { createLoop, type Loop } from '../../platform/core/loop.ts';
import { tryWithAdvisoryLock } from '../../platform/postgres/advisory-lock.ts';
import { notify } from '../../platform/postgres/notify.ts';
import type { Pool } from '../../platform/postgres/pool.ts';
import {
  findNewestPredictor,
  insertPredictor,
  listPredictorTallies,
  type PredictorTally,
  readPredictor,
  retirePredictor,
  type StoredPredictor,
} from '../../platform/store/predictors.ts';
import type { Logger } from '../../platform/telemetry/logger.ts';
import type { Metrics } from '../../platform/telemetry/metrics.ts';
import { decodePredictor } from '../../prediction/encode.ts';
import { harmOf, isWorthTraining } from './predictor-rules.ts';
import { trainInThread } from './train-in-thread.ts';

const trainerLock = 'predictor';
/** Predictors of which the content is kept. */
const keptPredictors = 5;

export interface PredictorTrainerOptions {
  config: Live<
    Pick<Config, 'learner'> & Partial<Pick<Config, 'master_key'>> & { routing: Pick<Config['routing'], 'predictor'> }
  >;
  pool: Pool;
  /** Of the database that `pool` is for; the thread that trains has a connection of its own. */
  connectionString: string;
  log: Logger;
  metrics: Metrics;
}

/**
 * Trains a new predictor whenever there is enough that the last one has not seen, or this version cannot read that, and
 * retires one under which choices turn out worse than without. Any number may run; one at a time trains.
 */
export function createPredictorTrainer(options: PredictorTrainerOptions): Loop {
  const { config, pool, connectionString, log, metrics } = options;
  const trained = metrics.counter('signalbox_predictors_trained_total');
  const retired = metrics.counter('signalbox_predictors_retired_total');
  const newest = metrics.gauge('signalbox_predictor_version');

  async function retireIfHarmful(current: StoredPredictor, tallies: readonly PredictorTally[]): Promise<void> {
    const harm = harmOf(tallies, current.version);
    if (harm === null) return;
    const reason = `${harm.used.bad} of ${harm.used.requests} choices with it turned out bad, and ${harm.heldOut.bad} of ${harm.heldOut.requests} without`;
    await tryWithAdvisoryLock(pool, trainerLock, async (client) => {
      await retirePredictor(client, current.version, reason);
      await notify(client, predictorsChannel, '');
    });
    retired.inc();
    log.warn({ version: current.version, reason }, 'a predictor is retired: choices turn out worse with it');
  }

  /** The version that was tried last, and whether it is one that this program reads. */
  let tried = { version: 0, isReadable: true };

  async function isReadable(version: number): Promise<boolean> {
    if (tried.version === version) return tried.isReadable;
    const content = await readPredictor(pool, version);
    tried = { version, isReadable: content === undefined || canBeRead(content) };
    return tried.isReadable;
  }

  async function train(outcomes: number, signal: AbortSignal): Promise<void> {
    const startedAtMs = performance.now();
    const { learner, master_key: masterKey } = config();
    const made = await trainInThread(
      {
        connectionString,
        masterKey,
        minOutcomes: learner.predictor.min_outcomes,
        maxOutcomes: learner.predictor.max_outcomes,
      },
      signal,
    );
    if (made === null) return;
    const attempt = await tryWithAdvisoryLock(pool, trainerLock, async (client) => {
      // Another process may have been faster.
      if (((await findNewestPredictor(client))?.version ?? 0) > made.version) return false;
      await insertPredictor(client, { ...made, outcomesBefore: outcomes }, keptPredictors);
      await notify(client, predictorsChannel, '');
      return true;
    });
    if (!attempt.ran || !attempt.value) return;
    trained.inc();
    newest.set(made.version);
    const { version, examples, content } = made;
    const durationMs = Math.round(performance.now() - startedAtMs);
    log.info({ version, examples, bytes: content.length, duration_ms: durationMs }, 'predictor trained');
  }

  return createLoop({
    name: 'predictor trainer',
    intervalMs: () => config().learner.predictor.interval_ms,
    log,
    failures: metrics.counter('signalbox_loop_failures_total'),
    async runOnce(signal) {
      if (!config().routing.predictor.enabled) return;
      const [tallies, current] = await Promise.all([listPredictorTallies(pool), findNewestPredictor(pool)]);
      if (current !== undefined && !current.isRetired) await retireIfHarmful(current, tallies);
      const outcomes = tallies.reduce((sum, { requests }) => sum + requests, 0);
      // After an upgrade: the routers of this version do without it, too.
      const usable = current !== undefined && (await isReadable(current.version)) ? current : undefined;
      if (isWorthTraining(outcomes, usable, config().learner.predictor.min_outcomes)) await train(outcomes, signal);
    },
  });
}

function canBeRead(content: Uint8Array): boolean {
  try {
    decodePredictor(content);
    return true;
  } catch {
    return false;
  }
}
