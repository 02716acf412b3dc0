/** Remembers how soon each model's first token came. */
export interface LatencyTracker {
  observe(key: string, timeToFirstTokenMs: number): void;
  /** Expected time to the first token in milliseconds; null before the first observation. */
  expectedMs(key: string): number | null;
}

/** Half of the weight lies on the newest seven observations. */
const smoothing = 0.1;
/** More models than any catalogue offers; the oldest goes when it is passed. */
const maxModels = 5000;

/** An exponentially weighted mean for each model. */
export function createLatencyTracker(): LatencyTracker {
  const means = new Map<string, number>();
  return {
    observe(key, timeToFirstTokenMs) {
      const mean = means.get(key);
      if (mean === undefined && means.size >= maxModels) {
        const [oldest] = means.keys();
        if (oldest !== undefined) means.delete(oldest);
      }
      means.set(key, mean === undefined ? timeToFirstTokenMs : mean + smoothing * (timeToFirstTokenMs - mean));
    },
    expectedMs: (key) => means.get(key) ?? null,
  };
}
