import type { Config } from '../platform/config/load.ts';
import type { Live } from '../platform/core/live.ts';
import { createLoop, type Loop } from '../platform/core/loop.ts';
import type { Pool } from '../platform/postgres/pool.ts';
import { countBudgetLevels } from '../platform/store/budget-leases.ts';
import { countInstances } from '../platform/store/instances.ts';
import type { Logger } from '../platform/telemetry/logger.ts';
import type { Metrics } from '../platform/telemetry/metrics.ts';
import { tellSavings } from './savings/tell-savings.ts';

export interface CentralGaugesOptions {
  pool: Pool;
  log: Logger;
  metrics: Metrics;
}

const fleetIntervalMs = 15_000;

const savingsIntervalMs = 300_000;
const dayMs = 86_400_000;
/** Newest decisions by which the model to compare with is found. */
const comparedDecisions = 10_000;

/** Shows who takes part, and how far budgets are spent. Read from the tables, so that every central shows the same. */
export function createFleetGauges({ pool, log, metrics }: CentralGaugesOptions): Loop {
  const instances = metrics.gauge('signalbox_instances');
  const budgets = metrics.gauge('signalbox_budgets');
  return createLoop({
    name: 'fleet gauges',
    intervalMs: fleetIntervalMs,
    log,
    failures: metrics.counter('signalbox_loop_failures_total'),
    async runOnce() {
      const { alive, stale } = await countInstances(pool, 'router');
      instances.set({ state: 'alive' }, alive);
      instances.set({ state: 'stale' }, stale);
      const counts = await countBudgetLevels(pool);
      for (const { scope, level, count } of counts) budgets.set({ scope, level }, count);
    },
  });
}

/** Shows what routing has cost and saved in the last day, as `GET /savings` tells it. */
export function createSavingsGauge({
  config,
  pool,
  log,
  metrics,
}: CentralGaugesOptions & { config: Live<Pick<Config, 'routing'>> }): Loop {
  const savings = metrics.gauge('signalbox_savings_day_usd');
  return createLoop({
    name: 'savings gauge',
    intervalMs: savingsIntervalMs,
    log,
    failures: metrics.counter('signalbox_loop_failures_total'),
    async runOnce() {
      const nowMs = Date.now();
      const { spent, saved } = await tellSavings(pool, {
        sinceMs: nowMs - dayMs,
        nowMs,
        baseline: null,
        limit: comparedDecisions,
        floor: config().routing.quality_floor ?? null,
      });
      savings.reset();
      savings.set({ part: 'cost' }, spent.total_usd);
      if (saved !== null) savings.set({ part: 'saved' }, saved.usd);
    },
  });
}
