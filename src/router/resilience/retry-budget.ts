import { createRollingSum } from './rolling-sum.ts';

/**
 * Keeps retries from making an outage worse: over ten seconds, and all targets together,
 *
 *   retries ≤ share · requests + minPerSecond · 10
 *
 * A retry is the same model once more. Going on to the next model of a chain is none: it takes the load away from where
 * the trouble is, and a chain is short. Hedges have a budget of their own.
 *
 * Source: Twitter's Finagle, `RetryBudget` (20%, 10 a second, 10 seconds).
 */
export interface RetryBudget {
  /** A request makes its first call. */
  deposit(nowMs: number): void;
  /** Whether a retry may be made; if so it is counted. */
  tryWithdraw(nowMs: number): boolean;
  /** Retries that may be made now. */
  balance(nowMs: number): number;
}

export interface RetryBudgetOptions {
  /** Retries per request, in [0, 1]. */
  share: number;
  /** Retries a second that are allowed besides, for when there are few requests. */
  minPerSecond: number;
}

const windowMs = 10_000;

export function createRetryBudget(options: () => RetryBudgetOptions): RetryBudget {
  const requests = createRollingSum(() => windowMs);
  const retries = createRollingSum(() => windowMs);

  function balance(nowMs: number): number {
    const { share, minPerSecond } = options();
    const reserve = (minPerSecond * windowMs) / 1000;
    return Math.max(0, Math.floor(share * requests.total(nowMs) + reserve - retries.total(nowMs)));
  }

  return {
    deposit: (nowMs) => requests.add(1, nowMs),
    tryWithdraw(nowMs) {
      if (balance(nowMs) < 1) return false;
      retries.add(1, nowMs);
      return true;
    },
    balance,
  };
}
