import { createLoop, type Loop } from '../../platform/core/loop.ts';
import type { Pool } from '../../platform/postgres/pool.ts';
import { forfeitExpiredLeases } from '../../platform/store/budget-leases.ts';
import type { Logger } from '../../platform/telemetry/logger.ts';
import type { Metrics } from '../../platform/telemetry/metrics.ts';

const intervalMs = 2000;
/** Leases that one statement takes at most, so that none is long. */
const batchLimit = 500;

/** Charges what routers held of budgets when they vanished. Any number may run: each lease is charged once. */
export function createLeaseForfeiture({ pool, log, metrics }: { pool: Pool; log: Logger; metrics: Metrics }): Loop {
  const forfeitedUsd = metrics.counter('signalbox_budget_forfeited_usd_total');
  return createLoop({
    name: 'lease forfeiture',
    intervalMs,
    log,
    failures: metrics.counter('signalbox_loop_failures_total'),
    async runOnce() {
      const { leases, usd } = await forfeitExpiredLeases(pool, batchLimit);
      if (leases === 0) return undefined;
      forfeitedUsd.inc(usd);
      log.warn({ leases, usd }, 'leases of budgets expired and were charged as spent');
      return leases >= batchLimit ? 'again' : undefined;
    },
  });
}
