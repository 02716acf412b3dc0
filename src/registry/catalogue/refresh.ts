import { messageOf } from '../../platform/core/errors.ts';
import type { Live } from '../../platform/core/live.ts';
import { createLoop, type Loop } from '../../platform/core/loop.ts';
import { type Pool, withTransaction } from '../../platform/postgres/pool.ts';
import type { Provider } from '../../platform/providers/definitions.ts';
import { type ListedModel, listModels } from '../../platform/providers/list-models.ts';
import type { CatalogueModel } from '../../platform/store/model-row.ts';
import { findProviderStarts } from '../../platform/store/model-status.ts';
import {
  listStoredModels,
  lockCatalogue,
  markUnlisted,
  markUnlistedExcept,
  notifyCatalogue,
  upsertDiscoveredModels,
} from '../../platform/store/models.ts';
import { setProviders } from '../../platform/store/provider-health.ts';
import type { Logger } from '../../platform/telemetry/logger.ts';
import type { Metrics } from '../../platform/telemetry/metrics.ts';
import { hasUnknownPrice, planRefresh } from './plan-refresh.ts';

export interface RefreshOptions {
  providers: Live<readonly Provider[]>;
  pool: Pool;
  intervalMs: Live<number>;
  listTimeoutMs: Live<number>;
  /** Whether models that come later than their provider begin as candidates. */
  triesNewModels: Live<boolean>;
  log: Logger;
  metrics: Metrics;
  /** Called after each round. */
  onRefreshed(): void;
}

export interface Refresh {
  loop: Loop;
  /** Whether one round has been through, so that the table holds what the providers list. */
  isDone(): boolean;
}

/** A provider known for longer than this has listed what it had; what comes now is new. */
const knownMs = 60_000;

/** Most models of which it is remembered that the log has warned of them. */
const maxWarned = 10_000;

/**
 * Keeps the catalogue equal to what the providers list. The lists are fetched before the transaction, so that a slow
 * provider holds no lock; then one transaction under the catalogue's lock writes what has changed.
 */
export function createRefresh(options: RefreshOptions): Refresh {
  const { pool, listTimeoutMs, triesNewModels, log, metrics } = options;
  const duration = metrics.histogram('signalbox_registry_refresh_duration_seconds');
  const failures = metrics.counter('signalbox_registry_refresh_failures_total');
  const warned = new Set<string>();
  let done = false;

  async function list(provider: Provider, signal: AbortSignal): Promise<ListedModel[] | null> {
    const stopTimer = duration.startTimer({ provider: provider.name });
    try {
      return await listModels(provider, { timeoutMs: listTimeoutMs(), signal });
    } catch (error) {
      if (signal.aborted) throw error;
      reportFailure(provider, messageOf(error));
      return null;
    } finally {
      stopTimer();
    }
  }

  function reportFailure(provider: Provider, reason: string): void {
    failures.inc({ provider: provider.name });
    log.warn({ provider: provider.name, reason }, 'models not refreshed; what was known of them stays');
  }

  function warnOfUnknownPrice(model: CatalogueModel): void {
    const key = `${model.provider}/${model.model_id}`;
    if (!hasUnknownPrice(model) || warned.has(key) || warned.size >= maxWarned) return;
    warned.add(key);
    log.warn({ provider: model.provider, model: model.model_id }, 'price unknown: set costs with PATCH /models/{id}');
  }

  async function runOnce(signal: AbortSignal): Promise<void> {
    const providers = options.providers();
    const lists = await Promise.all(
      providers.map(async (provider) => ({ provider, listed: await list(provider, signal) })),
    );
    const names = providers.map((provider) => provider.name);
    const { changed, upserts } = await withTransaction(pool, async (db) => {
      await lockCatalogue(db);
      const stored = await listStoredModels(db, names);
      const starts = await findProviderStarts(db, names);
      const at = new Date();
      const plans = lists.map(({ provider, listed }) => {
        const rows = stored.filter((row) => row.model.provider === provider.name);
        const emptied = listed?.length === 0 && rows.some((row) => row.listed && row.source === 'discovered');
        if (emptied) reportFailure(provider, 'an empty list');
        const ageMs = at.getTime() - (starts.get(provider.name) ?? at).getTime();
        return planRefresh(provider, emptied ? null : listed, rows, at, triesNewModels() && ageMs > knownMs);
      });
      const entries = plans.flatMap((plan) => plan.upserts);
      const written =
        (await upsertDiscoveredModels(db, entries)) +
        (await markUnlisted(
          db,
          plans.flatMap((plan) => plan.unlisted),
        )) +
        (await markUnlistedExcept(db, names)) +
        (await setProviders(db, providers));
      if (written > 0) await notifyCatalogue(db);
      return { changed: written, upserts: entries };
    });
    upserts.forEach(warnOfUnknownPrice);
    if (changed > 0) log.info({ changed, models: upserts.length, providers: names.length }, 'catalogue refreshed');
    done = true;
    options.onRefreshed();
  }

  return {
    loop: createLoop({
      name: 'catalogue refresh',
      intervalMs: options.intervalMs,
      runOnce,
      log,
      failures: metrics.counter('signalbox_loop_failures_total'),
    }),
    isDone: () => done,
  };
}
