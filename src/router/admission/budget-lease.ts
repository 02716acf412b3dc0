import type { BudgetAnswer, BudgetExchange } from '../../platform/store/budget-leases.ts';
import { type Account, createLeasePacing, type Demand, forgetAfterMs, type LeaseTimes } from './account.ts';

/** This instance's lease of one budget. One exchange at a time: `next`, then `answered` or `failed`. */
export interface BudgetLease extends Account {
  /** What there is to say to PostgreSQL now; null where there is nothing. `closing` gives all back. */
  next(demand: Demand, nowMs: number, closing?: boolean): BudgetExchange | null;
  answered(answer: BudgetAnswer, nowMs: number): void;
  /** The last answer, for messages. */
  known(): BudgetAnswer | null;
}

/** The least that is asked for: differences in the last binary digit are not worth a question. */
const smallestUsd = 1e-9;

/**
 * Counts what is held, what was spent and not reported yet, and what is free. An exchange that failed may have reached
 * PostgreSQL: it is said again with the same number and amounts until it is answered, so that it counts once.
 */
export function createBudgetLease(budgetId: string, times: LeaseTimes): BudgetLease {
  const pacing = createLeasePacing(times.idleMs);
  /** As PostgreSQL said last. */
  let heldUsd = 0;
  let reservedUsd = 0;
  let reservations = 0;
  /** Spent, and not in `sending`. */
  let pendingUsd = 0;
  let sending: Pick<BudgetExchange, 'settledUsd' | 'returnedUsd'> | null = null;
  let seq = 0;
  /** Changes when the lease was lost: holds from before were charged with it. */
  let epoch = 0;
  let known: BudgetAnswer | null = null;
  let exchangedMs = Number.NEGATIVE_INFINITY;
  let isRemoved = false;

  function available(): number {
    const underWay = sending === null ? 0 : sending.settledUsd + sending.returnedUsd;
    return heldUsd - reservedUsd - pendingUsd - underWay;
  }

  return {
    available,
    known: () => known,
    fits: (amount) => amount <= 0 || isRemoved || amount <= available(),
    hold(amount, nowMs) {
      reservedUsd += amount;
      reservations += 1;
      pacing.used(amount, nowMs);
      return epoch;
    },
    settle(mark, held, used) {
      if (mark !== epoch) return;
      reservations -= 1;
      // Sums of fractions leave crumbs.
      reservedUsd = reservations === 0 ? 0 : reservedUsd - held;
      pendingUsd += used;
    },
    refuses(amount, nowMs) {
      if (known === null || nowMs - exchangedMs > times.freshMs) return false;
      return amount > known.limitUsd - known.spentUsd - pendingUsd;
    },
    lacks: (amount) => known !== null && amount > available() + known.remainingUsd,
    next(demand, nowMs, closing = false) {
      if (isRemoved) return null;
      const free = available();
      const isRenewal = heldUsd > 0 && nowMs - exchangedMs >= times.renewMs;
      const waitingUsd = Math.max(0, demand.total - free);
      const minimumUsd = waitingUsd === 0 ? 0 : Math.max(smallestUsd, demand.smallest - free);
      const aheadUsd = closing ? 0 : pacing.ahead(free, nowMs);
      const repeated = sending;
      const unwanted = free - demand.total;
      const surplusUsd = closing ? Math.max(0, unwanted) : pacing.surplus(unwanted, nowMs);
      const returnedUsd = repeated === null ? surplusUsd : 0;
      const isDue = isRenewal || waitingUsd > 0 || aheadUsd > smallestUsd || returnedUsd > 0 || pendingUsd > 0;
      if (!isDue && repeated === null) return null;
      if (repeated === null) {
        seq += 1;
        sending = { settledUsd: pendingUsd, returnedUsd };
        pendingUsd = 0;
      }
      const { settledUsd, returnedUsd: returning } = repeated ?? { settledUsd: sending?.settledUsd ?? 0, returnedUsd };
      return { budgetId, seq, heldUsd, settledUsd, returnedUsd: returning, minimumUsd, waitingUsd, aheadUsd };
    },
    answered(answer, nowMs) {
      sending = null;
      known = answer;
      exchangedMs = nowMs;
      heldUsd = answer.heldUsd;
      if (!answer.lost) return;
      epoch += 1;
      reservedUsd = 0;
      reservations = 0;
      pendingUsd = 0;
    },
    removed() {
      isRemoved = true;
      sending = null;
    },
    isForgettable: (nowMs) =>
      nowMs - pacing.idleSinceMs() > forgetAfterMs &&
      reservations === 0 &&
      (isRemoved || (heldUsd === 0 && pendingUsd === 0 && sending === null)),
  };
}
