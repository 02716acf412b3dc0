import type { Point, Series } from './time-chart.tsx';

const greatestScore = 5;
const scoreStep = 0.5;
const rateStep = 0.05;

/** Ends of an axis of rates: up to 1, and down to a little below the least of them. */
export function rateBounds(points: readonly Point[]): [number, number] {
  const least = Math.min(1 - rateStep, ...points.flatMap(({ value }) => (value === null ? [] : [value])));
  return [Math.max(0, Math.floor(least / rateStep - 1) * rateStep), 1];
}

/** Ends of an axis of scores: as close as their intervals allow, so that a change is seen. */
export function scoreBounds(series: readonly Series[]): [number, number] {
  const values = series.flatMap(({ points }) =>
    points.flatMap(({ value, interval }) => [...(value === null ? [] : [value]), ...(interval ?? [])]),
  );
  const least = Math.min(greatestScore - scoreStep, ...values);
  const greatest = Math.max(scoreStep, ...values);
  return [
    Math.max(0, Math.floor(least / scoreStep) * scoreStep),
    Math.min(greatestScore, Math.ceil(greatest / scoreStep) * scoreStep),
  ];
}

interface ScoreStep {
  atMs: number;
  oldScore: number;
  score: number;
  interval: readonly [number, number] | null;
}

/** Changes of a score as a line that holds from the beginning of the picture to its end. */
export function scoreLine(steps: readonly ScoreStep[], sinceMs: number, untilMs: number): Point[] {
  const [first] = steps;
  const last = steps.at(-1);
  if (first === undefined || last === undefined) return [];
  return [
    { atMs: Math.min(sinceMs, first.atMs), value: first.oldScore },
    ...steps.map(({ atMs, score, interval }) => ({ atMs, value: score, interval })),
    { atMs: untilMs, value: last.score, interval: last.interval },
  ];
}
