import type { Config } from '../../platform/config/load.ts';
import type { Live } from '../../platform/core/live.ts';
import { createLoop, type Loop } from '../../platform/core/loop.ts';
import { tryWithAdvisoryLock } from '../../platform/postgres/advisory-lock.ts';
import type { Pool } from '../../platform/postgres/pool.ts';
import type { Logger } from '../../platform/telemetry/logger.ts';
import type { Metrics } from '../../platform/telemetry/metrics.ts';
import { ageBeliefs, learnFromEvidence } from './bayesian-learner.ts';
import type { LearnResult } from './learn-result.ts';
import { learnByThreshold } from './threshold-learner.ts';

/** Name of the advisory lock that whoever changes scores holds. */
export const learnerLock = 'learner';

/** How often beliefs are aged that no evidence has touched. */
const ageingMs = 60_000;

/** One round, in one transaction. Undefined when another process is at it. */
export async function learnOnce(pool: Pool, rule: Config['learner']): Promise<LearnResult | undefined> {
  const attempt = await tryWithAdvisoryLock(pool, learnerLock, (client) =>
    rule.kind === 'bayesian' ? learnFromEvidence(client, rule) : learnByThreshold(client, rule),
  );
  return attempt.ran ? attempt.value : undefined;
}

export interface LearnerOptions {
  config: Live<Pick<Config, 'learner'>>;
  pool: Pool;
  log: Logger;
  metrics: Metrics;
}

/** Learns on a schedule. Any number may run; one at a time learns. */
export function createLearner({ config, pool, log, metrics }: LearnerOptions): Loop {
  const ticks = metrics.counter('signalbox_learner_ticks_total');
  const published = metrics.counter('signalbox_score_updates_published_total');
  const alarms = metrics.counter('signalbox_learner_alarms_total');
  const below = metrics.gauge('signalbox_learner_cells_below_min_samples');
  const lastRound = metrics.gauge('signalbox_learner_last_round_timestamp_seconds');
  let nextAgeingMs = 0;

  async function age(rule: Config['learner']): Promise<void> {
    if (rule.kind !== 'bayesian' || performance.now() < nextAgeingMs) return;
    await tryWithAdvisoryLock(pool, learnerLock, (client) => ageBeliefs(client, rule));
    nextAgeingMs = performance.now() + ageingMs;
  }

  return createLoop({
    name: 'learner',
    intervalMs: () => config().learner.interval_ms,
    log,
    failures: metrics.counter('signalbox_loop_failures_total'),
    async runOnce() {
      const rule = config().learner;
      await age(rule);
      const result = await learnOnce(pool, rule);
      lastRound.setToCurrentTime();
      ticks.inc({ result: result === undefined ? 'elsewhere' : result.cells === 0 ? 'nothing_new' : 'learned' });
      if (result === undefined) return undefined;
      below.set(result.below);
      published.inc(result.published);
      for (const { model, complexity, change } of result.alarms) {
        alarms.inc({ change });
        if (change === 'worse') log.warn({ model, complexity }, 'a model fails far more than before');
        else log.info({ model, complexity }, 'a model fails far less than before');
      }
      if (result.published > 0) log.info({ cells: result.cells, published: result.published }, 'learned');
      return result.more ? 'again' : undefined;
    },
  });
}
