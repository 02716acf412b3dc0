import { messageOf, SignalboxError } from '../../platform/core/errors.ts';
import { uuidv7 } from '../../platform/core/ids.ts';
import type { Live } from '../../platform/core/live.ts';
import { tryWithAdvisoryLock } from '../../platform/postgres/advisory-lock.ts';
import type { Executor, Pool } from '../../platform/postgres/pool.ts';
import type { Provider } from '../../platform/providers/definitions.ts';
import { listModels } from '../../platform/providers/list-models.ts';
import { type DiscoveredProvider, type DiscoveryRun, insertDiscoveryRun } from '../../platform/store/discovery-runs.ts';
import { listKnownModels } from '../../platform/store/models.ts';
import { recordCandidates } from '../../platform/store/upgrade-candidates.ts';
import type { Logger } from '../../platform/telemetry/logger.ts';
import type { Metrics } from '../../platform/telemetry/metrics.ts';
import { findCandidates } from './find-candidates.ts';

export interface DiscoverOptions {
  providers: Live<readonly Provider[]>;
  pool: Pool;
  listTimeoutMs: Live<number>;
  log: Logger;
  metrics: Metrics;
}

/** Throws `conflict` while another run, of any instance, is under way. */
export type Discover = (trigger: DiscoveryRun['trigger'], signal?: AbortSignal) => Promise<DiscoveryRun>;

/** The lock is a transaction's, and the database ends those that are idle for a minute. */
const longestListMs = 30_000;

/** Asks every provider for its list and records what is new in it. One run at a time in the whole fleet. */
export function createDiscover(options: DiscoverOptions): Discover {
  const { pool, log, metrics } = options;
  const runs = metrics.counter('signalbox_upgrade_discovery_runs_total');

  async function list(provider: Provider, signal: AbortSignal | undefined) {
    const timeoutMs = Math.min(options.listTimeoutMs(), longestListMs);
    try {
      const listed = await listModels(provider, { timeoutMs, ...(signal === undefined ? {} : { signal }) });
      return { provider: provider.name, ids: listed.map((model) => model.id), error: null };
    } catch (error) {
      if (signal?.aborted === true) throw error;
      return { provider: provider.name, ids: [], error: messageOf(error) };
    }
  }

  async function runWith(
    db: Executor,
    trigger: DiscoveryRun['trigger'],
    signal: AbortSignal | undefined,
  ): Promise<DiscoveryRun> {
    const startedAt = new Date();
    const providers = options.providers();
    const lists = await Promise.all(providers.map((provider) => list(provider, signal)));
    const known = await listKnownModels(
      db,
      providers.map((provider) => provider.name),
    );
    const found = lists.flatMap(({ provider, ids }) =>
      findCandidates(
        provider,
        ids,
        known.filter((model) => model.provider === provider),
      ),
    );
    const candidates = found.map((candidate) => ({ id: uuidv7(), ...candidate }));
    const finishedAt = new Date();
    const newKeys = await recordCandidates(db, candidates, finishedAt);
    const run: DiscoveryRun = {
      id: uuidv7(),
      startedAt,
      finishedAt,
      trigger,
      providers: lists.map(({ provider, ids, error }): DiscoveredProvider => ({
        provider,
        ok: error === null,
        listed: ids.length,
        newCandidates: newKeys.filter((key) => key.startsWith(`${provider}/`)).length,
        error,
      })),
      found: found.length,
      newCandidates: newKeys.length,
    };
    await insertDiscoveryRun(db, run);
    return run;
  }

  return async function discover(trigger, signal) {
    let outcome: { ran: true; value: DiscoveryRun } | { ran: false };
    try {
      outcome = await tryWithAdvisoryLock(pool, 'discovery', (db) => runWith(db, trigger, signal));
    } catch (error) {
      runs.inc({ result: 'failed' });
      throw error;
    }
    if (!outcome.ran)
      throw new SignalboxError('conflict', 'a discovery is under way; its result will be in /candidates');
    const run = outcome.value;
    const failures = run.providers.filter((provider) => !provider.ok);
    runs.inc({ result: failures.length === 0 ? 'ok' : failures.length < run.providers.length ? 'partial' : 'failed' });
    log.info({ trigger, found: run.found, new_candidates: run.newCandidates, failures }, 'looked for new models');
    return run;
  };
}
