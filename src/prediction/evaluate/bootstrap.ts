import { createRandom } from '../../statistics/random.ts';

/** Bounds of the middle 95%. */
export type Interval = readonly [low: number, high: number];

/**
 * 95% intervals of some measures of the same rows by the bootstrap (Efron 1979): the rows are drawn anew, with replacement,
 * and all measures taken of each draw. Differences are paired when both sides are in one measure. `measure` gets how often
 * each row counts; a measure that is not a number in a draw counts as infinite. Reproducible for a seed.
 */
export function bootstrapIntervals(
  rowCount: number,
  resamples: number,
  seed: number | string,
  measure: (weights: Float64Array) => readonly number[],
): Interval[] {
  const random = createRandom(seed);
  const weights = new Float64Array(rowCount);
  const draws: number[][] = [];
  for (let resample = 0; resample < resamples; resample += 1) {
    weights.fill(0);
    for (let draw = 0; draw < rowCount; draw += 1) {
      const row = random.int(rowCount);
      weights[row] = (weights[row] as number) + 1;
    }
    for (const [index, value] of measure(weights).entries()) {
      (draws[index] ??= []).push(Number.isNaN(value) ? Infinity : value);
    }
  }
  return draws.map((values) => {
    values.sort((a, b) => a - b);
    return [quantile(values, 0.025), quantile(values, 0.975)];
  });
}

const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.round(share * (sorted.length - 1))] ?? NaN;
