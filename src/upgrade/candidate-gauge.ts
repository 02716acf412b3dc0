import { createLoop, type Loop } from '../platform/core/loop.ts';
import type { Pool } from '../platform/postgres/pool.ts';
import { countUpgradeCandidates } from '../platform/store/upgrade-candidates.ts';
import type { Logger } from '../platform/telemetry/logger.ts';
import type { Metrics } from '../platform/telemetry/metrics.ts';

const intervalMs = 5_000;

export interface CandidateGauge {
  loop: Loop;
  /** The last round's failure, or null: whether the database answers. */
  lastError(): string | null;
}

/** Shows the number of candidates as a metric, read from the table, so that every instance shows the same. */
export function createCandidateGauge(options: { pool: Pool; log: Logger; metrics: Metrics }): CandidateGauge {
  const { pool, log, metrics } = options;
  const candidates = metrics.gauge('signalbox_upgrade_candidates', 'Models that were discovered and not dismissed.');
  let lastError: string | null = 'not asked yet';

  async function runOnce(): Promise<void> {
    try {
      candidates.set(await countUpgradeCandidates(pool));
      lastError = null;
    } catch (error) {
      lastError = 'the database does not answer';
      throw error;
    }
  }

  return {
    loop: createLoop({ name: 'candidate gauge', intervalMs, maxBackoffMs: intervalMs, runOnce, log }),
    lastError: () => lastError,
  };
}
