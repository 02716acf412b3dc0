/** A sum of whole numbers over the time just past. Costs ten numbers, however much is added. */
export interface RollingSum {
  /** Adds a whole number at `nowMs`. A clock that steps back adds to the newest bucket. */
  add(amount: number, nowMs: number): void;
  /** What was added in the last window; up to a tenth of it may already be forgotten. */
  total(nowMs: number): number;
  clear(): void;
}

const bucketCount = 10;

/**
 * The window is cut into ten buckets; as time goes on the oldest is emptied and used again. `windowMs` is above 0; where it
 * changes, counting begins anew.
 */
export function createRollingSum(windowMs: () => number): RollingSum {
  let countedMs = windowMs();
  const buckets: number[] = Array.from({ length: bucketCount }, () => 0);
  /** Which bucket since time 0 is the newest; it lies at this number modulo ten. */
  let newest = 0;
  let total = 0;

  function advance(nowMs: number): void {
    if (countedMs !== windowMs()) {
      countedMs = windowMs();
      newest = 0;
      clear();
    }
    const current = Math.floor(nowMs / (countedMs / bucketCount));
    if (current <= newest) return;
    const outdated = Math.min(current - newest, bucketCount);
    for (let step = 1; step <= outdated; step += 1) {
      const slot = (newest + step) % bucketCount;
      total -= buckets[slot] ?? 0;
      buckets[slot] = 0;
    }
    newest = current;
  }

  function clear(): void {
    buckets.fill(0);
    total = 0;
  }

  return {
    add(amount, nowMs) {
      advance(nowMs);
      const slot = newest % bucketCount;
      buckets[slot] = (buckets[slot] ?? 0) + amount;
      total += amount;
    },
    total(nowMs) {
      advance(nowMs);
      return total;
    },
    clear,
  };
}
