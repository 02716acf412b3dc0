import { createRecentUse } from './recent-use.ts';

/**
 * What this instance holds of one limit, and gives out to requests without asking anybody. Pure: time is an argument, in
 * milliseconds of a clock that only grows. Amounts are USD, tokens or requests, whatever the limit counts.
 */
export interface Account {
  /** Whether `amount` can be held now. */
  fits(amount: number, nowMs: number): boolean;
  /** Holds `amount`, which must fit. Answers a mark to settle it with. */
  hold(amount: number, nowMs: number): number;
  /** Ends a hold: `used` of it is gone, the rest can be held again. */
  settle(mark: number, held: number, used: number, nowMs: number): void;
  /** Whether it was heard just now that nobody can hold `amount`, whatever others give back. */
  refuses(amount: number, nowMs: number): boolean;
  /** Whether it was last heard that `amount` is more than is free, others' shares left aside. */
  lacks(amount: number, nowMs: number): boolean;
  /** What can be held; negative where more was used than was held for it. */
  available(nowMs: number): number;
  /** The limit exists no more: nothing holds anybody. */
  removed(): void;
  /** Whether it can be forgotten. */
  isForgettable(nowMs: number): boolean;
}

/** What requests that wait need of one limit. */
export interface Demand {
  smallest: number;
  total: number;
}

export const noDemand: Demand = { smallest: 0, total: 0 };

/** When leases are given back and asked for. All in milliseconds. */
export interface LeaseTimes {
  /** A lease from which nothing was taken for so long is given back. */
  idleMs: number;
  /** A lease is confirmed so often. */
  renewMs: number;
  /** How long what was heard of the whole fleet is believed. */
  freshMs: number;
}

/** Unused accounts are kept so long, for the next request. */
export const forgetAfterMs = 60_000;

/**
 * How much to ask for in advance and to give back, so that a busy caller rarely waits and an idle one holds nothing: two
 * seconds of use, asked for when less than half of it is there.
 */
export function createLeasePacing(idleMs: number) {
  const recent = createRecentUse();
  let lastUsedMs = Number.NEGATIVE_INFINITY;
  return {
    used(amount: number, nowMs: number): void {
      recent.add(amount, nowMs);
      lastUsedMs = nowMs;
    },
    idleSinceMs: () => lastUsedMs,
    ahead(available: number, nowMs: number): number {
      if (nowMs - lastUsedMs > idleMs) return 0;
      const wanted = recent.at(nowMs);
      return available < wanted / 2 ? wanted - Math.max(0, available) : 0;
    },
    surplus(available: number, nowMs: number): number {
      if (available <= 0) return 0;
      if (nowMs - lastUsedMs > idleMs) return available;
      const wanted = recent.at(nowMs);
      return available > 2 * wanted ? available - wanted : 0;
    },
  };
}
