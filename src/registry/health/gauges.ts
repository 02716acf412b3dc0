import { createLoop, type Loop } from '../../platform/core/loop.ts';
import type { Pool } from '../../platform/postgres/pool.ts';
import { countModels } from '../../platform/store/models.ts';
import { listProviderHealth } from '../../platform/store/provider-health.ts';
import type { Logger } from '../../platform/telemetry/logger.ts';
import type { Metrics } from '../../platform/telemetry/metrics.ts';

const intervalMs = 5_000;

export interface CatalogueGauges {
  loop: Loop;
  /** The last round's failure, or null: whether the database answers. */
  lastError(): string | null;
}

/** Shows what is in the catalogue as metrics, read from the table, so that every registry shows the same. */
export function createCatalogueGauges(options: { pool: Pool; log: Logger; metrics: Metrics }): CatalogueGauges {
  const { pool, log, metrics } = options;
  const models = metrics.gauge('signalbox_registry_models');
  const unknownPrices = metrics.gauge('signalbox_registry_unknown_price_models');
  const healthy = metrics.gauge('signalbox_registry_provider_healthy');
  let lastError: string | null = 'not asked yet';

  async function read(): Promise<void> {
    const [counts, health] = await Promise.all([countModels(pool), listProviderHealth(pool)]);
    models.reset();
    unknownPrices.reset();
    healthy.reset();
    for (const { provider, status, count, unknownPriceCount } of counts) {
      const label = metrics.boundedLabel('provider', provider);
      models.inc({ provider: label, status }, count);
      unknownPrices.inc({ provider: label }, unknownPriceCount);
    }
    for (const { provider, status } of health) {
      healthy.set({ provider: metrics.boundedLabel('provider', provider) }, status === 'healthy' ? 1 : 0);
    }
  }

  return {
    loop: createLoop({
      name: 'catalogue gauges',
      intervalMs,
      maxBackoffMs: intervalMs,
      log,
      failures: metrics.counter('signalbox_loop_failures_total'),
      async runOnce() {
        try {
          await read();
          lastError = null;
        } catch (error) {
          lastError = 'the database does not answer';
          throw error;
        }
      },
    }),
    lastError: () => lastError,
  };
}
