/** What may be spent in a day, in USD; days are those of UTC. Pure: time is an argument. */
export interface DailySpending {
  /** Holds what something may cost. Null where the day's rest is less; nothing is held then. */
  hold(usd: number, nowMs: number): SpendingHold | null;
}

export interface SpendingHold {
  /** What it did cost, once; null where that is unknown: then all that was held is spent. Later calls change nothing. */
  settle(usd: number | null): void;
}

const dayMs = 86_400_000;

export function createDailySpending(maxUsd: number): DailySpending {
  let day = Number.NEGATIVE_INFINITY;
  let spent = 0;
  let held = 0;
  return {
    hold(usd, nowMs) {
      const today = Math.floor(nowMs / dayMs);
      if (today > day) {
        day = today;
        spent = 0;
      }
      if (spent + held + usd > maxUsd) return null;
      held += usd;
      let isSettled = false;
      return {
        settle(used) {
          if (isSettled) return;
          isSettled = true;
          held -= usd;
          spent += used ?? usd;
        },
      };
    },
  };
}
