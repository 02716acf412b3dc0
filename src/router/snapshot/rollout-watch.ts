import { rolloutsChannel } from '../../contracts/rollout.ts';
import { createLoop } from '../../platform/core/loop.ts';
import type { Service } from '../../platform/core/service.ts';
import { createListener } from '../../platform/postgres/listen.ts';
import type { Pool } from '../../platform/postgres/pool.ts';
import { type ActiveRolloutRow, listActiveRollouts } from '../../platform/store/active-rollouts.ts';
import type { Logger } from '../../platform/telemetry/logger.ts';
import type { Metrics } from '../../platform/telemetry/metrics.ts';
import type { ActiveRollout } from '../select/rollout.ts';

export interface RolloutWatch extends Service {
  /** The same list for as long as nothing has changed. */
  current(): readonly ActiveRollout[];
}

export interface RolloutWatchOptions {
  pool: Pool;
  connectionString: string;
  log: Logger;
  metrics: Metrics;
}

/** A step is heard of at once; a lost notification must not leave a model that was rolled back in use for a second more. */
const pollMs = 300;
/**
 * What was read so long ago is no longer acted on, so that a model that was rolled back is called no later than that, also by
 * a router that cannot hear of it. A read may fail before.
 */
const mostAgeMs = 1000;
/** A read that hangs must not keep the next one from being made. */
const readTimeoutMs = 250;
/** Reads that hang, each on a connection of the pool; with so many, the next one waits for one of them to end. */
const mostHanging = 3;
const none: readonly ActiveRollout[] = Object.freeze([]);

/** Reads which models are on trial, again and again. */
export function createRolloutWatch({ pool, connectionString, log, metrics }: RolloutWatchOptions): RolloutWatch {
  let rollouts = none;
  let fingerprint = '[]';
  let asOfMs = Number.NEGATIVE_INFINITY;
  let hanging = 0;

  /** A question that hangs is given up here, and still holds its connection. */
  async function ask(): Promise<ActiveRolloutRow[]> {
    if (hanging >= mostHanging) throw new Error(`${hanging} reads have not ended`);
    hanging += 1;
    try {
      return await listActiveRollouts(pool);
    } finally {
      hanging -= 1;
    }
  }

  async function read(): Promise<void> {
    // What is read is as old as the question.
    const askedAtMs = performance.now();
    const rows = await within(readTimeoutMs, ask());
    const found = rows.map((row): ActiveRollout => ({
      rolloutId: row.rolloutId,
      state: row.state,
      share: row.share,
      candidateKey: `${row.provider}/${row.modelId}`,
      controlKey: `${row.controlProvider}/${row.controlModelId}`,
    }));
    const text = JSON.stringify(found);
    if (text !== fingerprint) rollouts = found.length === 0 ? none : found;
    fingerprint = text;
    asOfMs = askedAtMs;
  }

  const reader = createLoop({
    name: 'rollouts',
    intervalMs: pollMs,
    maxBackoffMs: pollMs,
    log,
    failures: metrics.counter('signalbox_loop_failures_total'),
    runOnce: read,
  });
  const listener = createListener({
    connectionString,
    channels: [rolloutsChannel],
    onNotify: () => reader.wake(),
    log,
  });

  return {
    name: 'rollouts',
    current() {
      if (rollouts === none) return none;
      return performance.now() - asOfMs > mostAgeMs ? none : rollouts;
    },
    async start() {
      try {
        await read();
      } catch (error) {
        log.warn({ err: error }, 'rollouts could not be read yet');
      }
      await Promise.all([reader.start(), listener.start()]);
    },
    async stop() {
      await Promise.all([reader.stop(), listener.stop()]);
    },
  };
}

async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
