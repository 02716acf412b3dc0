import { hash } from 'node:crypto';
import { type KeyScope, keysChannel, virtualKeyPrefix } from '../../contracts/keys.ts';
import { SignalboxError } from '../core/errors.ts';
import { createLoop } from '../core/loop.ts';
import type { HealthCheck, Service } from '../core/service.ts';
import { createListener } from '../postgres/listen.ts';
import type { Pool } from '../postgres/pool.ts';
import { type ActiveKey, type LimitRef, listActiveKeys, touchKeys } from '../store/virtual-keys.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';

export interface KeyDirectory<Holder> extends Service {
  /**
   * Who presents this text; undefined where it is no key, or one that is revoked or has expired.
   *
   * @throws SignalboxError `not_ready` for what may be a key, until the keys were read once.
   */
  find(presented: string, nowMs: number): Holder | undefined;
  /** What limits a key now. Empty where nothing does, or the key is gone. */
  limitsOf(keyId: string): readonly LimitRef[];
}

export interface KeyDirectoryOptions<Holder> {
  pool: Pool;
  /** Of the database that `pool` is for; notifications need a connection of their own. */
  connectionString: string;
  /** Keys of other scopes are not known. */
  scopes: readonly KeyScope[];
  /** What is said of a key to those who ask; made once, whenever the keys are read. */
  toHolder(key: ActiveKey): Holder;
  /** Told of how many keys there are. */
  onLoaded?(keys: number): void;
  log: Logger;
  metrics: Metrics;
}

interface Entry<Holder> {
  holder: Holder;
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
export function createKeyDirectory<Holder>(options: KeyDirectoryOptions<Holder>): KeyDirectory<Holder> {
  const { pool, connectionString, scopes, toHolder, log, metrics } = options;
  const failures = metrics.counter('signalbox_loop_failures_total');
  let byHash = new Map<string, Entry<Holder>>();
  let byId = new Map<string, Entry<Holder>>();
  let isLoaded = false;
  let used = new Set<string>();

  async function load(): Promise<void> {
    const keys = await listActiveKeys(pool, scopes, maxKeys);
    if (keys.length === maxKeys) log.error({ keys: maxKeys }, 'there are more keys than fit: the oldest are refused');
    byHash = new Map();
    byId = new Map();
    for (const key of keys) {
      const entry = {
        ...key,
        holder: toHolder(key),
        expiresAtMs: key.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY,
      };
      byId.set(key.keyId, entry);
      byHash.set(key.hash, entry);
      const graceEndsAtMs = key.previousValidUntil?.getTime() ?? 0;
      if (key.previousHash === null) continue;
      byHash.set(key.previousHash, { ...entry, expiresAtMs: Math.min(entry.expiresAtMs, graceEndsAtMs) });
    }
    isLoaded = true;
    options.onLoaded?.(keys.length);
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
    find(presented, nowMs) {
      if (!presented.startsWith(virtualKeyPrefix)) return undefined;
      if (!isLoaded) {
        throw new SignalboxError('not_ready', 'the virtual keys were not read yet', {
          headers: { 'retry-after': '1' },
        });
      }
      // A look-up by hash tells by its time at most something of the hash, which is of no use to anybody.
      const entry = byHash.get(hash('sha256', presented, 'base64'));
      if (entry === undefined || entry.expiresAtMs <= nowMs) return undefined;
      used.add(entry.keyId);
      return entry.holder;
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
