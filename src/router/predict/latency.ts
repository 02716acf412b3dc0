/** Remembers how soon each model's first token came. */
export interface LatencyTracker {
  observe(key: string, timeToFirstTokenMs: number): void;
  /** Expected time to the first token in milliseconds; null before the first observation. */
  expectedMs(key: string): number | null;
  /** 95th percentile of the newest observations in milliseconds; null while there are fewer than 20. */
  p95Ms(key: string): number | null;
}

interface Entry {
  mean: number;
  /** The newest observations, each in the place of the oldest. */
  recent: number[];
  next: number;
}

/** Half of the weight lies on the newest seven observations. */
const smoothing = 0.1;
const recentCount = 100;
const minForPercentile = 20;
/** More models than any catalogue offers; the oldest goes when it is passed. */
const maxModels = 5000;

/** An exponentially weighted mean for each model, and its newest observations. */
export function createLatencyTracker(): LatencyTracker {
  const entries = new Map<string, Entry>();
  return {
    observe(key, timeToFirstTokenMs) {
      const entry = entries.get(key);
      if (entry !== undefined) {
        entry.mean += smoothing * (timeToFirstTokenMs - entry.mean);
        entry.recent[entry.next] = timeToFirstTokenMs;
        entry.next = (entry.next + 1) % recentCount;
        return;
      }
      if (entries.size >= maxModels) {
        const [oldest] = entries.keys();
        if (oldest !== undefined) entries.delete(oldest);
      }
      entries.set(key, { mean: timeToFirstTokenMs, recent: [timeToFirstTokenMs], next: 1 });
    },
    expectedMs: (key) => entries.get(key)?.mean ?? null,
    p95Ms(key) {
      const recent = entries.get(key)?.recent ?? [];
      if (recent.length < minForPercentile) return null;
      return recent.toSorted((a, b) => a - b)[Math.ceil(recent.length * 0.95) - 1] ?? null;
    },
  };
}
