import { messageOf } from '../../platform/core/errors.ts';
import type { Live } from '../../platform/core/live.ts';
import { createLoop, type Loop } from '../../platform/core/loop.ts';
import { type Pool, withTransaction } from '../../platform/postgres/pool.ts';
import type { Provider } from '../../platform/providers/definitions.ts';
import { probeProvider } from '../../platform/providers/list-models.ts';
import { notifyCatalogue } from '../../platform/store/models.ts';
import {
  listProvidersToCheck,
  type ProviderCheck,
  recordProviderChecks,
} from '../../platform/store/provider-health.ts';
import type { Logger } from '../../platform/telemetry/logger.ts';
import type { Metrics } from '../../platform/telemetry/metrics.ts';

export interface ProviderChecksOptions {
  providers: Live<readonly Provider[]>;
  pool: Pool;
  intervalMs: Live<number>;
  timeoutMs: Live<number>;
  log: Logger;
  metrics: Metrics;
}

/**
 * Asks every provider, by its list endpoint, whether it answers. Of several registries the one that is first checks a
 * provider; the others leave it alone for half an interval, so that three failures in a row take three intervals.
 */
export function createProviderChecks(options: ProviderChecksOptions): Loop {
  const { pool, intervalMs, log } = options;

  async function check(provider: Provider, signal: AbortSignal): Promise<ProviderCheck> {
    const { name, simulated } = provider;
    const timeoutMs = Math.min(options.timeoutMs(), intervalMs());
    try {
      const latencyMs = await probeProvider(provider, { timeoutMs, signal });
      return { provider: name, simulated, checkedAt: new Date(), latencyMs, error: null };
    } catch (error) {
      if (signal.aborted) throw error;
      return { provider: name, simulated, checkedAt: new Date(), latencyMs: null, error: messageOf(error) };
    }
  }

  async function runOnce(signal: AbortSignal): Promise<void> {
    const providers = options.providers();
    const names = providers.map((provider) => provider.name);
    const due = await listProvidersToCheck(pool, names, new Date(Date.now() - intervalMs() / 2));
    const checks = await Promise.all(
      providers.filter((provider) => due.includes(provider.name)).map((provider) => check(provider, signal)),
    );
    if (checks.length === 0) return;
    const changes = await withTransaction(pool, async (db) => {
      const changed = await recordProviderChecks(db, checks);
      if (changed.length > 0) await notifyCatalogue(db);
      return changed;
    });
    for (const { provider, status } of changes) {
      const error = checks.find((entry) => entry.provider === provider)?.error;
      if (status === 'unhealthy') log.warn({ provider, reason: error }, 'provider is unhealthy');
      else log.info({ provider, status }, 'provider health changed');
    }
  }

  return createLoop({
    name: 'provider checks',
    intervalMs,
    runOnce,
    log,
    failures: options.metrics.counter('signalbox_loop_failures_total'),
  });
}
