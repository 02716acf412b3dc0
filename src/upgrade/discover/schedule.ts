import { SignalboxError } from '../../platform/core/errors.ts';
import type { Live } from '../../platform/core/live.ts';
import { createLoop, type Loop } from '../../platform/core/loop.ts';
import type { Service } from '../../platform/core/service.ts';
import type { Pool } from '../../platform/postgres/pool.ts';
import { findLatestDiscoveryRun } from '../../platform/store/discovery-runs.ts';
import { findCatalogueStart } from '../../platform/store/models.ts';
import type { Logger } from '../../platform/telemetry/logger.ts';
import type { Metrics } from '../../platform/telemetry/metrics.ts';
import type { Discover } from './discover.ts';

/** How often it is looked whether a run is due; a process that is restarted daily still runs weekly. */
const longestTickMs = 600_000;

export interface Schedule extends Service {
  isRunning(): boolean;
  /** Does nothing when it is running. */
  resume(): Promise<void>;
  /** Breaks off a run of its own that is under way. Does nothing when it is not running. */
  pause(): Promise<void>;
}

/**
 * Discovers once every `intervalMs`, counted over all instances and restarts from the latest run, manual ones included,
 * and before the first one from the filling of the catalogue: until then nothing can be new. Runs from `start` on;
 * whether it is paused is this process's own memory.
 */
export function createSchedule(options: {
  pool: Pool;
  intervalMs: Live<number>;
  discover: Discover;
  log: Logger;
  metrics: Metrics;
}): Schedule {
  const { pool, intervalMs, discover, log } = options;
  const failures = options.metrics.counter('signalbox_loop_failures_total');
  let loop: Loop | undefined;

  async function runOnce(signal: AbortSignal): Promise<void> {
    const since = (await findLatestDiscoveryRun(pool))?.startedAt ?? (await findCatalogueStart(pool));
    if (since === undefined || Date.now() - since.getTime() < intervalMs()) return;
    try {
      await discover('schedule', signal);
    } catch (error) {
      // Another instance is at it: that is this interval's run.
      if (!(error instanceof SignalboxError && error.code === 'conflict')) throw error;
    }
  }

  async function resume(): Promise<void> {
    if (loop !== undefined) return;
    const tickMs = (): number => Math.min(intervalMs(), longestTickMs);
    loop = createLoop({
      name: 'discovery schedule',
      intervalMs: tickMs,
      maxBackoffMs: tickMs(),
      runOnce,
      log,
      failures,
    });
    await loop.start();
  }

  async function pause(): Promise<void> {
    const running = loop;
    loop = undefined;
    await running?.stop();
  }

  return {
    name: 'discovery schedule',
    start: resume,
    stop: pause,
    isRunning: () => loop !== undefined,
    resume,
    pause,
  };
}
