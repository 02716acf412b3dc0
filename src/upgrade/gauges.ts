import { rolloutStateSchema } from '../contracts/rollout.ts';
import type { Live } from '../platform/core/live.ts';
import { createLoop, type Loop } from '../platform/core/loop.ts';
import type { Pool } from '../platform/postgres/pool.ts';
import { countOpenIncidents } from '../platform/store/incidents.ts';
import { countRollouts, listRollouts } from '../platform/store/rollouts.ts';
import { countUpgradeCandidates } from '../platform/store/upgrade-candidates.ts';
import type { Logger } from '../platform/telemetry/logger.ts';
import type { Metrics } from '../platform/telemetry/metrics.ts';
import { createRolloutGauges } from './rollouts/rollout-gauges.ts';
import type { RolloutSettings } from './rollouts/settings.ts';

const intervalMs = 5_000;
/** Rollouts under way that are shown one by one. */
const mostRollouts = 100;

export interface UpgradeGauges {
  loop: Loop;
  /** The last round's failure, or null: whether the database answers. */
  lastError(): string | null;
}

/** Shows what the tables hold as metrics, so that every instance shows the same. */
export function createUpgradeGauges(options: {
  pool: Pool;
  settings: Live<RolloutSettings>;
  log: Logger;
  metrics: Metrics;
}): UpgradeGauges {
  const { pool, settings, log, metrics } = options;
  const showRollouts = createRolloutGauges(metrics, settings);
  const candidates = metrics.gauge('signalbox_upgrade_candidates');
  const rollouts = metrics.gauge('signalbox_upgrade_rollouts');
  const incidents = metrics.gauge('signalbox_upgrade_open_incidents');
  const failures = metrics.counter('signalbox_loop_failures_total');
  let lastError: string | null = 'not asked yet';

  async function runOnce(): Promise<void> {
    try {
      candidates.set(await countUpgradeCandidates(pool));
      const counts = await countRollouts(pool);
      for (const state of rolloutStateSchema.options) rollouts.set({ state }, counts.get(state) ?? 0);
      incidents.set(await countOpenIncidents(pool));
      showRollouts(await listRollouts(pool, { states: ['shadow', 'canary'], limit: mostRollouts }));
      lastError = null;
    } catch (error) {
      lastError = 'the database does not answer';
      throw error;
    }
  }

  return {
    loop: createLoop({ name: 'upgrade gauges', intervalMs, maxBackoffMs: intervalMs, runOnce, log, failures }),
    lastError: () => lastError,
  };
}
