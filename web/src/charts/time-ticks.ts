const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const steps = [
  minuteMs,
  5 * minuteMs,
  10 * minuteMs,
  15 * minuteMs,
  30 * minuteMs,
  hourMs,
  2 * hourMs,
  4 * hourMs,
  6 * hourMs,
  12 * hourMs,
  dayMs,
  2 * dayMs,
  7 * dayMs,
] as const;
const mostTicks = 5;

/** Round times of the viewer's zone between two moments, at most five. */
export function timeTicks(sinceMs: number, untilMs: number): number[] {
  const step = steps.find((ms) => (untilMs - sinceMs) / ms <= mostTicks) ?? 7 * dayMs;
  const offsetMs = new Date(sinceMs).getTimezoneOffset() * minuteMs;
  const first = Math.ceil((sinceMs - offsetMs) / step) * step + offsetMs;
  const count = Math.max(0, Math.floor((untilMs - first) / step) + 1);
  return Array.from({ length: count }, (_, index) => first + index * step);
}
