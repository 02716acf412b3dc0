import { uuidv7 } from '../../platform/core/ids.ts';
import type { Clock } from '../../platform/core/clock.ts';
import { messageOf, SignalboxError } from '../../platform/core/errors.ts';
import { createLoop } from '../../platform/core/loop.ts';
import type { Live } from '../../platform/core/live.ts';
import type { Service } from '../../platform/core/service.ts';
import type { Config } from '../../platform/config/load.ts';
import type { Pool } from '../../platform/postgres/pool.ts';
import type { LimitRef } from '../../platform/store/virtual-keys.ts';
import type { Logger } from '../../platform/telemetry/logger.ts';
import type { Metrics } from '../../platform/telemetry/metrics.ts';
import { createAccounts } from './accounts.ts';
import type { Demand } from './account.ts';
import type { Need, Reservation, Spent } from './admission.ts';
import { budgetExceeded, notReady, rateHeaders, rateLimited } from './refusals.ts';

export interface LeaseService extends Service {
  /** As `Admission.reserve`: all the limits or none. */
  reserve(limits: readonly LimitRef[], need: Need, signal: AbortSignal): Reservation | Promise<Reservation>;
}

export interface LeaseServiceOptions {
  pool: Pool;
  instanceId: string;
  config: Live<Config['limits']>;
  clock: Clock;
  log: Logger;
  metrics: Metrics;
}

interface Waiter {
  limits: readonly LimitRef[];
  /** Those of them of which there was too little when it came. */
  short: readonly LimitRef[];
  need: Need;
  sinceMs: number;
  resolve(reservation: Reservation): void;
  reject(error: unknown): void;
}

/** A lease from which nothing was taken for so long is given back: somebody else may wait for it. */
const idleMs = 500;
/** An exchange that takes longer than this beyond its time does not come soon: PostgreSQL is away. */
const awayMs = 500;
/** How often a stop tries to give everything back. */
const closingRounds = 5;

/**
 * Holds shares of limits for requests. What this instance has leased is given out at once, without asking anybody; where
 * it does not suffice the request waits for the next exchange with PostgreSQL, of which there is one at a time for all
 * limits together, and which also settles, renews and gives back.
 */
export function createLeaseService(options: LeaseServiceOptions): LeaseService {
  const { pool, instanceId, config, clock, log, metrics } = options;
  // These two change with a restart alone: leases are held for so long, on the word of this process.
  const { lease_ms: leaseMs, flush_ms: flushMs } = config();
  const accounts = createAccounts({
    pool,
    holder: uuidv7(),
    instanceId,
    leaseMs,
    times: { idleMs, renewMs: leaseMs / 3, freshMs: flushMs },
    nowMs: () => clock.monotonicMs(),
  });
  const budgetRejections = metrics.counter('signalbox_budget_rejections_total');
  const rateRejections = metrics.counter('signalbox_rate_limit_rejections_total');
  const waits = metrics.histogram('signalbox_lease_wait_seconds');
  /** In the order in which they came. */
  const waiters = new Set<Waiter>();
  /** How many of them wait for a limit, by its id; more than none. */
  const waitersOf = new Map<string, number>();
  /** When the last exchange that was answered was sent. */
  let exchangedMs = Number.NEGATIVE_INFINITY;
  let lastFailure: unknown;

  function headersOf(limits: readonly LimitRef[], now: number): Record<string, string> {
    const headers: Record<string, string> = {};
    for (const kind of ['requests', 'tokens'] as const) {
      // Where key and team both have a limit, the tighter one is what the client has to know.
      const states = limits
        .filter((limit) => limit.kind === kind)
        .flatMap(({ id }) => accounts.rate(id)?.state(now) ?? [])
        .sort((a, b) => a.remaining - b.remaining);
      if (states[0] !== undefined) Object.assign(headers, rateHeaders(kind, states[0]));
    }
    return headers;
  }

  /** Undefined where some limit does not suffice; then nothing is held. */
  function tryHold(limits: readonly LimitRef[], need: Need, now: number): Reservation | undefined {
    for (const ref of limits) if (!accounts.of(ref).fits(amountOf(ref, need), now)) return undefined;
    const holds = limits.map((ref) => {
      const account = accounts.of(ref);
      const amount = amountOf(ref, need);
      return { ref, account, amount, mark: account.hold(amount, now) };
    });
    let isSettled = false;
    return {
      headers: headersOf(limits, now),
      settle(spent) {
        if (isSettled) return;
        isSettled = true;
        const endMs = clock.monotonicMs();
        for (const { ref, account, amount, mark } of holds) {
          account.settle(mark, amount, spent === null ? 0 : usedOf(ref, spent, amount), endMs);
        }
      },
    };
  }

  /** What the first limit that does not suffice says. */
  function refusalOf(ref: LimitRef, need: Need, headers: Record<string, string>, now: number): SignalboxError {
    const amount = amountOf(ref, need);
    if (ref.kind === 'budget') {
      const budget = accounts.budget(ref.id);
      return budget === null ? notReady() : budgetExceeded(ref.scope, amount, budget, headers);
    }
    const state = accounts.rate(ref.id)?.state(now);
    return state == null ? notReady() : rateLimited(ref, amount, state, headers);
  }

  function count(ref: LimitRef, error: SignalboxError): SignalboxError {
    if (error.code === 'budget_exceeded') budgetRejections.inc({ scope: ref.scope });
    if (error.code === 'rate_limited') rateRejections.inc({ kind: ref.kind });
    return error;
  }

  /**
   * Whether somebody waits for one of these limits: who comes later must not take what was leased for them. While PostgreSQL
   * is away nothing is leased for anybody, and what is held goes to whom it suffices for.
   */
  function isWaitedFor(limits: readonly LimitRef[], now: number): boolean {
    if (waitersOf.size === 0 || now - exchangedMs > flushMs + awayMs) return false;
    return limits.some(({ id }) => waitersOf.has(id));
  }

  function join(waiter: Waiter): void {
    waiters.add(waiter);
    for (const { id } of waiter.short) waitersOf.set(id, (waitersOf.get(id) ?? 0) + 1);
  }

  function leave(waiter: Waiter): void {
    if (!waiters.delete(waiter)) return;
    for (const { id } of waiter.short) {
      const others = (waitersOf.get(id) ?? 0) - 1;
      if (others > 0) waitersOf.set(id, others);
      else waitersOf.delete(id);
    }
  }

  /** The error where it is known that some limit cannot be met, else undefined. */
  function refuse(limits: readonly LimitRef[], need: Need, now: number): SignalboxError | undefined {
    const ref = limits.find((limit) => {
      const account = accounts.of(limit);
      const amount = amountOf(limit, need);
      return !account.fits(amount, now) && account.refuses(amount, now);
    });
    return ref === undefined ? undefined : count(ref, refusalOf(ref, need, headersOf(limits, now), now));
  }

  /** The error of somebody who waited in vain. */
  function giveUp({ limits, need, sinceMs }: Waiter, now: number): SignalboxError {
    const short = limits.filter((limit) => !accounts.of(limit).fits(amountOf(limit, need), now));
    const lacking = short.find((limit) => accounts.of(limit).lacks(amountOf(limit, need), now));
    const ref = lacking ?? short[0];
    // An answer since then says that others hold the rest; none says that PostgreSQL is away.
    if (ref === undefined || exchangedMs < sinceMs) return notReady(lastFailure);
    // There is enough of the budget, and this router did not get hold of it in time.
    if (lacking === undefined && ref.kind === 'budget') return notReady();
    return count(ref, refusalOf(ref, need, headersOf(limits, now), now));
  }

  function wait(limits: readonly LimitRef[], need: Need, signal: AbortSignal): Promise<Reservation> {
    return new Promise<Reservation>((resolve, reject) => {
      const sinceMs = clock.monotonicMs();
      function end(outcome: string): void {
        leave(waiter);
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        waits.observe({ outcome }, (clock.monotonicMs() - sinceMs) / 1000);
      }
      const waiter: Waiter = {
        limits,
        short: limits.filter((limit) => !accounts.of(limit).fits(amountOf(limit, need), sinceMs)),
        need,
        sinceMs,
        resolve(reservation) {
          end('admitted');
          resolve(reservation);
        },
        reject(error) {
          end('refused');
          reject(error);
        },
      };
      const onAbort = (): void => waiter.reject(signal.reason);
      const timer = setTimeout(() => {
        const now = clock.monotonicMs();
        const reservation = tryHold(limits, need, now);
        if (reservation === undefined) waiter.reject(giveUp(waiter, now));
        else waiter.resolve(reservation);
      }, config().wait_ms);
      signal.addEventListener('abort', onAbort, { once: true });
      join(waiter);
      loop.wake();
    });
  }

  function demandsOfWaiters(): Map<string, Demand> {
    const demands = new Map<string, Demand>();
    for (const { limits, need } of waiters) {
      for (const ref of limits) {
        accounts.of(ref);
        const amount = amountOf(ref, need);
        const others = demands.get(ref.id);
        demands.set(ref.id, {
          smallest: Math.min(amount, others?.smallest ?? amount),
          total: amount + (others?.total ?? 0),
        });
      }
    }
    return demands;
  }

  function serveWaiters(): void {
    const now = clock.monotonicMs();
    for (const waiter of waiters) {
      const reservation = tryHold(waiter.limits, waiter.need, now);
      if (reservation !== undefined) waiter.resolve(reservation);
      else {
        const refusal = refuse(waiter.limits, waiter.need, now);
        if (refusal !== undefined) waiter.reject(refusal);
      }
    }
  }

  const loop = createLoop({
    name: 'leases',
    intervalMs: flushMs,
    maxBackoffMs: 1000,
    log,
    failures: metrics.counter('signalbox_loop_failures_total'),
    async runOnce() {
      const sentMs = clock.monotonicMs();
      try {
        const isMore = await accounts.exchange(demandsOfWaiters());
        exchangedMs = sentMs;
        return isMore ? 'again' : undefined;
      } catch (error) {
        lastFailure = error;
        throw error;
      } finally {
        serveWaiters();
      }
    },
  });

  async function giveAllBack(): Promise<void> {
    for (let round = 0; round < closingRounds; round += 1) {
      try {
        await accounts.exchange(new Map(), true);
      } catch (error) {
        log.warn({ reason: messageOf(error) }, 'leases could not be given back; they are charged when they expire');
      }
    }
  }

  return {
    name: loop.name,
    reserve(limits, need, signal) {
      const now = clock.monotonicMs();
      const reservation = isWaitedFor(limits, now) ? undefined : tryHold(limits, need, now);
      if (reservation !== undefined) return reservation;
      const refusal = refuse(limits, need, now);
      if (refusal !== undefined) throw refusal;
      if (waiters.size >= config().max_waiting) throw notReady();
      return wait(limits, need, signal);
    },
    start: () => loop.start(),
    async stop() {
      await loop.stop();
      for (const waiter of waiters) waiter.reject(new SignalboxError('stopping', 'the service stops'));
      await giveAllBack();
    },
    health: () => loop.health?.() ?? { ok: true },
  };
}

/** More than any request uses. What is no number, or larger, must not reach the sums that all share. */
const mostUsd = 1e6;
const mostTokens = 1e9;

/** What a request holds of a limit, in the unit of the limit. */
function amountOf({ kind }: LimitRef, need: Need): number {
  if (kind === 'requests') return 1;
  if (kind === 'tokens') return within(Math.ceil(need.inputTokens + need.outputTokens), mostTokens) ?? mostTokens;
  const costUsd = within(need.costUsd, mostUsd);
  if (costUsd !== null) return costUsd;
  throw new SignalboxError('price_unknown', 'a budget holds the key, and the price of the model is unknown');
}

function usedOf({ kind }: LimitRef, spent: Spent, held: number): number {
  if (kind === 'requests') return 1;
  if (kind === 'tokens') return within(Math.ceil(spent.inputTokens + spent.outputTokens), mostTokens) ?? held;
  return within(spent.costUsd, mostUsd) ?? held;
}

function within(amount: number | null, most: number): number | null {
  return amount === null || Number.isNaN(amount) ? null : Math.min(most, Math.max(0, amount));
}
