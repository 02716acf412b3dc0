import { SignalboxError } from '../../platform/core/errors.ts';
import type { Live } from '../../platform/core/live.ts';
import { createLoop, type Loop } from '../../platform/core/loop.ts';
import { tryWithAdvisoryLock } from '../../platform/postgres/advisory-lock.ts';
import type { Pool } from '../../platform/postgres/pool.ts';
import { isRetryable } from '../../platform/postgres/retryable.ts';
import { listObservedRollouts } from '../../platform/store/rollout-observations.ts';
import {
  listAlarmedPromotions,
  listAutomaticProposals,
  listRolloutsUnderWay,
  lockRollout,
} from '../../platform/store/rollouts.ts';
import type { Logger } from '../../platform/telemetry/logger.ts';
import { evidenceSchema } from '../gate/evidence.ts';
import { applyEvent, type Step } from './apply-event.ts';
import type { RolloutMetrics } from './metrics.ts';
import { rolloutsLock } from './rollouts-lock.ts';
import type { RolloutSettings } from './settings.ts';
import { takeIn } from './take-in.ts';
import { watch } from './watch.ts';

export interface EngineOptions {
  pool: Pool;
  settings: Live<RolloutSettings>;
  log: Logger;
  metrics: RolloutMetrics;
}

const intervalMs = 500;
const slowIntervalMs = 1_000;

/** One round over all rollouts. Answers `'again'` where more waits. */
export type EngineRound = (signal: AbortSignal) => Promise<'again' | void>;

/**
 * Decides about rollouts: whichever process has the lock takes in what was observed and takes the steps that follow. In the
 * mode `auto` it approves what may be tried without anybody's word, as soon as the place is free. For a while after a promotion
 * it looks for alarms about the promoted model.
 */
export function createEngineRound({ pool, settings, log, metrics }: EngineOptions): EngineRound {
  let lookedAtMs = -Infinity;

  async function observe(rolloutId: string): Promise<boolean> {
    const outcome = await tryWithAdvisoryLock(pool, rolloutsLock, (db) => takeIn(db, rolloutId, settings()));
    // Another process decides; it will see what waits.
    if (!outcome.ran) return false;
    const { rollout, step, reason, taken, broken, hasMore } = outcome.value;
    if (broken > 0) log.warn({ rollout_id: rolloutId, broken }, 'observations that make no sense were left out');
    metrics.broken(broken);
    if (rollout === null) return false;
    if (taken > 0 || step !== null) metrics.evaluated(step);
    if (step !== null) {
      metrics.stepped(step);
      log.info({ rollout_id: rolloutId, model: rollout.modelId, ...summary(step), reason }, 'a rollout took a step');
    }
    return hasMore;
  }

  async function approve(rolloutId: string): Promise<void> {
    const outcome = await tryWithAdvisoryLock(pool, rolloutsLock, async (db) => {
      const rollout = await lockRollout(db, rolloutId);
      if (rollout?.state !== 'proposed') return null;
      const word = { actor: 'auto', reason: rollout.reason };
      return applyEvent(db, rollout, 'approve', word, evidenceSchema.parse(rollout.evidence), settings().plan);
    });
    if (!outcome.ran || outcome.value === null) return;
    metrics.stepped(outcome.value);
    log.info({ rollout_id: rolloutId, ...summary(outcome.value) }, 'a candidate is tried');
  }

  async function lookAfter(rolloutId: string): Promise<void> {
    const outcome = await tryWithAdvisoryLock(pool, rolloutsLock, (db) => watch(db, rolloutId, settings()));
    if (!outcome.ran || outcome.value === null) return;
    const { rollout, step, reason } = outcome.value;
    metrics.stepped(step);
    log.warn({ rollout_id: rolloutId, model: rollout.modelId, ...summary(step), reason }, 'a promotion is in doubt');
  }

  /** What is wrong with one rollout stops no other; what is wrong with the database stops the round. */
  async function apart(rolloutId: string, work: () => Promise<boolean | void>): Promise<boolean> {
    try {
      return (await work()) === true;
    } catch (error) {
      if (isRetryable(error)) throw error;
      if (error instanceof SignalboxError) {
        log.debug({ rollout_id: rolloutId, reason: error.message }, 'a rollout cannot take its step now');
      } else log.error({ rollout_id: rolloutId, err: error }, 'a rollout could not be judged');
      return false;
    }
  }

  return async function runOnce(signal) {
    const ids = new Set([...(await listRolloutsUnderWay(pool)), ...(await listObservedRollouts(pool))]);
    let hasMore = false;
    for (const id of ids) {
      if (signal.aborted) return;
      if (await apart(id, () => observe(id))) hasMore = true;
    }
    const { mode, watchHours } = settings();
    if (performance.now() - lookedAtMs >= slowIntervalMs && mode !== 'off') {
      for (const id of await listAlarmedPromotions(pool, watchHours)) await apart(id, () => lookAfter(id));
      if (mode === 'auto') {
        for (const id of await listAutomaticProposals(pool)) await apart(id, () => approve(id));
      }
      lookedAtMs = performance.now();
    }
    if (hasMore) return 'again';
  };
}

function summary({ event, from, to, share }: Step) {
  return { event, from: from.state, to: to.state, stage: to.stage, share };
}

export function createEngine(options: EngineOptions): Loop {
  return createLoop({
    name: 'rollouts',
    intervalMs,
    maxBackoffMs: 5_000,
    runOnce: createEngineRound(options),
    log: options.log,
    failures: options.metrics.failures,
  });
}
