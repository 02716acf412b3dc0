import { createRandom } from './random.ts';
import { sparseLength, type SparseVector } from './sparse.ts';

/** Directions beyond those wanted, which make the wanted ones exact sooner. */
const spare = 8;
const powerSteps = 3;

/** A projection of sparse vectors on a few directions: `weights[place · dimensions + d]`. */
export interface LatentSpace {
  readonly dimensions: number;
  readonly weights: Float32Array;
}

/**
 * The directions in which the rows differ most: their leading right singular vectors, by randomised subspace iteration
 * (Halko, Martinsson and Tropp 2011, https://doi.org/10.1137/090771806). Reproducible for a seed.
 */
export function findLatentSpace(rows: readonly SparseVector[], dimensions: number, seed: number | string): LatentSpace {
  const width = dimensions + spare;
  const random = createRandom(seed);
  const left = Float64Array.from({ length: rows.length * width }, () => random.normal());
  const right = new Float64Array(sparseLength * width);
  for (let step = 0; step <= powerSteps; step += 1) {
    orthonormalise(left, width);
    toRight(rows, left, right, width);
    orthonormalise(right, width);
    if (step < powerSteps) toLeft(rows, right, left, width);
  }
  const weights = new Float32Array(sparseLength * dimensions);
  for (let place = 0; place < sparseLength; place += 1) {
    for (let d = 0; d < dimensions; d += 1) weights[place * dimensions + d] = right[place * width + d] as number;
  }
  return { dimensions, weights };
}

/** Coordinates of a vector, scaled to length 1, so that only its direction counts. */
export function project({ indices, values }: SparseVector, { dimensions, weights }: LatentSpace): Float64Array {
  const point = new Float64Array(dimensions);
  for (let at = 0; at < indices.length; at += 1) {
    const offset = (indices[at] as number) * dimensions;
    const value = values[at] as number;
    for (let d = 0; d < dimensions; d += 1) {
      point[d] = (point[d] as number) + value * (weights[offset + d] as number);
    }
  }
  const length = Math.hypot(...point);
  return length === 0 ? point : point.map((coordinate) => coordinate / length);
}

function toRight(rows: readonly SparseVector[], left: Float64Array, right: Float64Array, width: number): void {
  right.fill(0);
  for (const [row, { indices, values }] of rows.entries()) {
    for (let at = 0; at < indices.length; at += 1) {
      const offset = (indices[at] as number) * width;
      const value = values[at] as number;
      for (let d = 0; d < width; d += 1) {
        right[offset + d] = (right[offset + d] as number) + value * (left[row * width + d] as number);
      }
    }
  }
}

function toLeft(rows: readonly SparseVector[], right: Float64Array, left: Float64Array, width: number): void {
  left.fill(0);
  for (const [row, { indices, values }] of rows.entries()) {
    for (let at = 0; at < indices.length; at += 1) {
      const offset = (indices[at] as number) * width;
      const value = values[at] as number;
      for (let d = 0; d < width; d += 1) {
        left[row * width + d] = (left[row * width + d] as number) + value * (right[offset + d] as number);
      }
    }
  }
}

/** Gram–Schmidt on the columns of a matrix that is stored by rows. */
function orthonormalise(matrix: Float64Array, width: number): void {
  for (let column = 0; column < width; column += 1) {
    for (let other = 0; other < column; other += 1) {
      let shared = 0;
      for (let at = 0; at < matrix.length; at += width) {
        shared += (matrix[at + column] as number) * (matrix[at + other] as number);
      }
      for (let at = 0; at < matrix.length; at += width) {
        matrix[at + column] = (matrix[at + column] as number) - shared * (matrix[at + other] as number);
      }
    }
    let squared = 0;
    for (let at = column; at < matrix.length; at += width) squared += (matrix[at] as number) ** 2;
    const factor = squared === 0 ? 0 : 1 / Math.sqrt(squared);
    for (let at = column; at < matrix.length; at += width) matrix[at] = (matrix[at] as number) * factor;
  }
}
