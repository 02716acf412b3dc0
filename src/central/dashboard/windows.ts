import type { Window } from '../../contracts/dashboard.ts';
import type { Resolution, Span } from '../../platform/store/traffic.ts';

/** A time that is looked back on, as the buckets of which it is made. */
export interface LookBack extends Span {
  window: Window;
  /** Sums of this resolution are read. */
  resolution: Resolution;
  bucketSeconds: number;
  /** The beginnings of its buckets; the last one is not over yet. */
  starts: readonly Date[];
  /** As many buckets, right before. */
  previous: Span;
}

const minuteMs = 60_000;
const hourMs = 3_600_000;

const shapes: Readonly<Record<Window, { lengthMs: number; bucketMs: number; resolution: Resolution }>> = {
  '1h': { lengthMs: hourMs, bucketMs: minuteMs, resolution: 'minute' },
  '6h': { lengthMs: 6 * hourMs, bucketMs: 5 * minuteMs, resolution: 'minute' },
  '24h': { lengthMs: 24 * hourMs, bucketMs: hourMs, resolution: 'hour' },
  '7d': { lengthMs: 168 * hourMs, bucketMs: hourMs, resolution: 'hour' },
  '30d': { lengthMs: 720 * hourMs, bucketMs: 6 * hourMs, resolution: 'hour' },
};

/** The window that ends with the bucket in which `nowMs` lies. Pure. */
export function lookBack(window: Window, nowMs: number): LookBack {
  const { lengthMs, bucketMs, resolution } = shapes[window];
  const lastMs = Math.floor(nowMs / bucketMs) * bucketMs;
  const sinceMs = lastMs + bucketMs - lengthMs;
  return {
    window,
    since: new Date(sinceMs),
    // Decisions of instances whose clocks run a little ahead belong to it.
    until: new Date(lastMs + bucketMs),
    resolution,
    bucketSeconds: bucketMs / 1000,
    starts: Array.from({ length: lengthMs / bucketMs }, (_, index) => new Date(sinceMs + index * bucketMs)),
    previous: { since: new Date(sinceMs - lengthMs), until: new Date(sinceMs) },
  };
}
