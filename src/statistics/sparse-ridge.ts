import { addTo, dot, sparseLength, type SparseVector } from './sparse.ts';

const mostSteps = 15;
/** The search ends when the squared residual is this part of what it was. */
const tolerance = 1e-6;

/**
 * Weights of a ridge regression without intercept: the w that makes Σ cᵢ(yᵢ − xᵢ·w)² + penalty·|w|² least, by conjugate
 * gradients on the normal equations (Hestenes and Stiefel 1952). Few steps are enough, and stopping early only shrinks
 * the weights a little more. `targets` and `weights` (each above 0; all 1 when absent) stand beside `rows`. Deterministic.
 *
 * @returns `sparseLength` weights.
 * @throws RangeError unless `penalty` is above 0.
 */
export function sparseRidge(
  rows: readonly SparseVector[],
  targets: Float64Array,
  penalty: number,
  weights?: Float64Array,
): Float64Array {
  if (!(penalty > 0)) throw new RangeError(`penalty must be above 0, not ${penalty}`);
  const solution = new Float64Array(sparseLength);
  const residual = new Float64Array(sparseLength);
  for (const [index, row] of rows.entries()) {
    addTo(residual, row, (targets[index] as number) * (weights?.[index] ?? 1));
  }
  const direction = residual.slice();
  const image = new Float64Array(sparseLength);
  let squared = sumOfSquares(residual);
  const enough = squared * tolerance;

  for (let step = 0; step < mostSteps && squared > enough; step += 1) {
    image.fill(0);
    for (const [index, row] of rows.entries()) addTo(image, row, dot(row, direction) * (weights?.[index] ?? 1));
    let curvature = 0;
    for (let place = 0; place < sparseLength; place += 1) {
      const value = (image[place] as number) + penalty * (direction[place] as number);
      image[place] = value;
      curvature += value * (direction[place] as number);
    }
    const length = squared / curvature;
    for (let place = 0; place < sparseLength; place += 1) {
      solution[place] = (solution[place] as number) + length * (direction[place] as number);
      residual[place] = (residual[place] as number) - length * (image[place] as number);
    }
    const next = sumOfSquares(residual);
    const kept = next / squared;
    squared = next;
    for (let place = 0; place < sparseLength; place += 1) {
      direction[place] = (residual[place] as number) + kept * (direction[place] as number);
    }
  }
  return solution;
}

function sumOfSquares(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value * value;
  return sum;
}
