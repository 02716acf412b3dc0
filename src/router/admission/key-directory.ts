import { hash } from 'node:crypto';
import { keysChannel, virtualKeyPrefix } from '../../contracts/keys.ts';
import { createLoop } from '../../platform/core/loop.ts';
import type { HealthCheck, Service } from '../../platform/core/service.ts';
import { createListener } from '../../platform/postgres/listen.ts';
import type { Pool } from '../../platform/postgres/pool.ts';
import { type ActiveKey, type LimitRef, listActiveKeys, touchKeys } from '../../platform/store/virtual-keys.ts';
import type { Logger } from '../../platform/telemetry/logger.ts';
import type { Metrics } from '../../platform/telemetry/metrics.ts';
import type { Caller } from './admission.ts';

export interface KeyDirectory extends Service {
  /** False until the keys were read once. */
  isLoaded(): boolean;
  /** Who presents this text; undefined where it is no key, or one that is revoked or has expired. */
  find(presented: string, nowMs: number): Caller | undefined;
  /** What limits a key now. Empty where nothing does, or the key is gone. */
  limitsOf(keyId: string): readonly LimitRef[];
}

export interface KeyDirectoryOptions {
  pool: Pool;
  connectionString: string;
  log: Logger;
  metrics: Metrics;
}

interface Entry {
  caller: Caller;
  keyId: string;
  expiresAtMs: number;
  limits: readonly LimitRef[];
}

/** A change is heard of at once; this is how long a lost notification can delay one. */
const pollMs = 10_000;
/** Keys in memory, at about half a kilobyte each. */
const maxKeys = 200_000;

/**
 * All keys that may be used, in memory by their hash: a request never waits for them. The table is the truth and is read
 * again and again; a notification is only faster. While PostgreSQL is away the keys read last stay good.
 */
export function createKeyDirectory({ pool, connectionString, log, metrics }: KeyDirectoryOptions): KeyDirectory {
  const failures = metrics.counter('signalbox_loop_failures_total');
  const keyCount = metrics.gauge('signalbox_virtual_keys');
  let byHash = new Map<string, Entry>();
  let byId = new Map<string, Entry>();
  let isLoaded = false;
  let used = new Set<string>();

  async function load(): Promise<void> {
    const entries = (await listActiveKeys(pool, maxKeys)).map((key) => [key.hash, toEntry(key)] as const);
    if (entries.length === maxKeys)
      log.error({ keys: maxKeys }, 'there are more keys than fit: the oldest are refused');
    byHash = new Map(entries);
    byId = new Map(entries.map(([, entry]) => [entry.keyId, entry]));
    isLoaded = true;
    keyCount.set(entries.length);
  }

  /** Which keys were used is worth knowing, and nothing fails where it is lost. */
  async function noteUse(): Promise<void> {
    if (used.size === 0) return;
    const keyIds = [...used];
    used = new Set();
    await touchKeys(pool, keyIds);
  }

  const loader = createLoop({
    name: 'virtual keys',
    intervalMs: pollMs,
    maxBackoffMs: 2000,
    log,
    failures,
    runOnce: load,
  });
  const uses = createLoop({ name: 'use of keys', intervalMs: pollMs, log, failures, runOnce: noteUse });
  const listener = createListener({ connectionString, channels: [keysChannel], onNotify: () => loader.wake(), log });

  return {
    name: 'virtual keys',
    isLoaded: () => isLoaded,
    find(presented, nowMs) {
      if (!presented.startsWith(virtualKeyPrefix)) return undefined;
      // A look-up by hash tells by its time at most something of the hash, which is of no use to anybody.
      const entry = byHash.get(hash('sha256', presented, 'base64'));
      if (entry === undefined || entry.expiresAtMs <= nowMs) return undefined;
      used.add(entry.keyId);
      return entry.caller;
    },
    limitsOf: (keyId) => byId.get(keyId)?.limits ?? [],
    async start() {
      try {
        await load();
      } catch (error) {
        log.warn({ err: error }, 'virtual keys could not be read yet');
      }
      await Promise.all([loader.start(), uses.start(), listener.start()]);
    },
    async stop() {
      await Promise.all([loader.stop(), uses.stop(), listener.stop()]);
      await noteUse().catch(() => undefined);
    },
    health(): HealthCheck {
      return isLoaded ? { ok: true } : { ok: false, detail: 'the virtual keys were not read yet' };
    },
  };
}

function toEntry(key: ActiveKey): Entry {
  return {
    keyId: key.keyId,
    caller: Object.freeze({
      keyId: key.keyId,
      teamId: key.teamId,
      allowedModels: key.allowedModels,
      mayExplore: key.mayExplore,
      mayShadow: key.mayShadow,
      costQualityTradeoff: key.costQualityTradeoff,
      hasBudget: key.limits.some((limit) => limit.kind === 'budget'),
    }),
    expiresAtMs: key.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY,
    limits: key.limits,
  };
}
