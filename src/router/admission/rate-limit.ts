import type { RateAnswer, RateExchange } from '../../platform/store/rate-limits.ts';
import { type Account, createLeasePacing, type Demand, forgetAfterMs, type LeaseTimes } from './account.ts';

/** How a limit a minute stands, as far as this instance knows. */
export interface RateState {
  limit: number;
  remaining: number;
  /** Until the window ends. */
  resetMs: number;
}

/** This instance's share of one limit a minute. One exchange at a time: `next`, then `answered` or nothing. */
export interface RateLimit extends Account {
  next(demand: Demand, nowMs: number, closing?: boolean): RateExchange | null;
  /** `sentMs` is when the exchange was sent: counted from there the window ends too early rather than too late. */
  answered(answer: RateAnswer, sentMs: number, nowMs: number): void;
  state(nowMs: number): RateState | null;
}

/**
 * Counts what is left of the share of this window; nothing of it lives on in the next. What is given back is gone at
 * once, and what is granted counts only when it is answered: an exchange that fails costs some of the share, never more
 * than the limit.
 */
export function createRateLimit(rateLimitId: string, times: LeaseTimes): RateLimit {
  const pacing = createLeasePacing(times.idleMs);
  let window: Date | null = null;
  let endsMs = Number.NEGATIVE_INFINITY;
  /** Changes with the window. */
  let epoch = 0;
  let free = 0;
  let perMinute: number | null = null;
  let usedByAll = 0;
  let heardMs = Number.NEGATIVE_INFINITY;
  let isRemoved = false;
  // A request was refused because it is larger than the limit, which may have been raised since it was heard of.
  let isDoubted = false;

  const available = (nowMs: number): number => (nowMs < endsMs ? free : 0);

  const lacks = (amount: number, nowMs: number): boolean =>
    perMinute !== null && nowMs < endsMs && amount > free + perMinute - usedByAll;

  return {
    available,
    fits: (amount, nowMs) => amount <= 0 || isRemoved || amount <= available(nowMs),
    hold(amount, nowMs) {
      free -= amount;
      pacing.used(amount, nowMs);
      return epoch;
    },
    settle(mark, held, used) {
      if (mark === epoch) free += held - used;
    },
    refuses(amount, nowMs) {
      if (perMinute !== null && amount > perMinute) {
        isDoubted = true;
        return true;
      }
      return nowMs - heardMs <= times.freshMs && lacks(amount, nowMs);
    },
    lacks,
    next(demand, nowMs, closing = false) {
      if (isRemoved) return null;
      const left = available(nowMs);
      const waiting = Math.max(0, demand.total - left);
      const ahead = closing ? 0 : Math.ceil(pacing.ahead(left, nowMs));
      const unwanted = left - demand.total;
      const surplus = closing ? Math.max(0, unwanted) : Math.floor(pacing.surplus(unwanted, nowMs));
      // More was used than held: everybody has to know.
      const returned = left < 0 ? left : surplus;
      if (waiting === 0 && ahead === 0 && returned === 0 && !isDoubted) return null;
      if (nowMs < endsMs) free -= returned;
      const minimum = waiting === 0 ? 0 : Math.max(1, demand.smallest - left);
      return {
        rateLimitId,
        window: returned === 0 ? null : window,
        returned,
        // A debt that is handed on is no longer to be filled.
        minimum: left < 0 && waiting > 0 ? Math.max(1, demand.smallest) : minimum,
        waiting: left < 0 ? demand.total : waiting,
        ahead,
      };
    },
    answered(answer, sentMs, nowMs) {
      isDoubted = false;
      if (window === null || answer.window.getTime() !== window.getTime()) {
        window = answer.window;
        epoch += 1;
        free = 0;
      }
      free += answer.granted;
      endsMs = sentMs + answer.endsInMs;
      perMinute = answer.perMinute;
      usedByAll = answer.used;
      heardMs = nowMs;
    },
    state(nowMs) {
      if (perMinute === null) return null;
      if (nowMs >= endsMs) return { limit: perMinute, remaining: perMinute, resetMs: 0 };
      const remaining = Math.min(perMinute, Math.max(0, perMinute - usedByAll + free));
      return { limit: perMinute, remaining, resetMs: endsMs - nowMs };
    },
    removed() {
      isRemoved = true;
    },
    isForgettable: (nowMs) => nowMs - pacing.idleSinceMs() > forgetAfterMs && nowMs >= endsMs,
  };
}
