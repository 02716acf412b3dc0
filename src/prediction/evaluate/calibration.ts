/** How far expectations and outcomes lie apart. */
export interface Calibration {
  /**
   * Expected calibration error: predictions in ten equal bins of [0, 1]; the distance between mean prediction and mean
   * outcome of each, averaged over predictions. In [0, 1].
   */
  ece: number;
  /** Mean squared distance of single predictions and outcomes (Brier 1950), in [0, 1]. */
  brier: number;
}

const bins = 10;

/** Of predictions and outcomes in [0, 1], beside each other; NaN where there are none. Pure. */
export function calibrationOf(predicted: readonly number[], actual: readonly number[]): Calibration {
  const differences = new Float64Array(bins);
  let squares = 0;
  for (const [index, prediction] of predicted.entries()) {
    const difference = prediction - (actual[index] as number);
    const bin = Math.min(bins - 1, Math.floor(prediction * bins));
    differences[bin] = (differences[bin] as number) + difference;
    squares += difference * difference;
  }
  const count = predicted.length === 0 ? NaN : predicted.length;
  return { ece: differences.reduce((sum, value) => sum + Math.abs(value), 0) / count, brier: squares / count };
}
