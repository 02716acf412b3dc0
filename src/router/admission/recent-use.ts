/** Time constant of the memory: what was used longer ago hardly counts. */
const memoryMs = 2000;

/** About what was used in the last two seconds: every amount fades away exponentially. */
export interface RecentUse {
  add(amount: number, nowMs: number): void;
  at(nowMs: number): number;
}

export function createRecentUse(): RecentUse {
  let level = 0;
  let atMs = 0;
  function at(nowMs: number): number {
    return level === 0 ? 0 : level * Math.exp(-Math.max(0, nowMs - atMs) / memoryMs);
  }
  return {
    add(amount, nowMs) {
      level = at(nowMs) + amount;
      atMs = nowMs;
    },
    at,
  };
}
