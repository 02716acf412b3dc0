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

/** Part of its squared length below which what is left of a column is rounding: it lies among those before it. */
const dependent = 1e-12;

/**
 * Makes the columns of a matrix that is stored by rows orthonormal, each by those before it, as Gram–Schmidt does; a column
 * that depends on those before it becomes 0. By the Cholesky factor of the columns' products, so that the matrix, which is
 * long and narrow, is read twice and in its own order.
 */
function orthonormalise(matrix: Float64Array, width: number): void {
  const factor = choleskyFactor(columnProducts(matrix, width), width);
  for (let row = 0; row < matrix.length; row += width) {
    // Of places that no row has; most of them, where there are few rows.
    if (isZero(matrix, row, width)) continue;
    for (let column = 0; column < width; column += 1) {
      const pivot = factor[column * width + column] as number;
      let value = matrix[row + column] as number;
      for (let before = 0; before < column; before += 1) {
        value -= (factor[column * width + before] as number) * (matrix[row + before] as number);
      }
      matrix[row + column] = pivot === 0 ? 0 : value / pivot;
    }
  }
}

function isZero(matrix: Float64Array, start: number, width: number): boolean {
  for (let at = start; at < start + width; at += 1) if (matrix[at] !== 0) return false;
  return true;
}

/** Product of each column with each that is not after it, `column · width + other`. */
function columnProducts(matrix: Float64Array, width: number): Float64Array {
  const products = new Float64Array(width * width);
  for (let row = 0; row < matrix.length; row += width) {
    if (isZero(matrix, row, width)) continue;
    for (let column = 0; column < width; column += 1) {
      const value = matrix[row + column] as number;
      for (let other = 0; other <= column; other += 1) {
        const at = column * width + other;
        products[at] = (products[at] as number) + value * (matrix[row + other] as number);
      }
    }
  }
  return products;
}

/** The lower triangle whose product with itself is the matrix; 0 in the column of one that depends on those before it. */
function choleskyFactor(products: Float64Array, width: number): Float64Array {
  const factor = new Float64Array(width * width);
  for (let column = 0; column < width; column += 1) {
    for (let other = 0; other <= column; other += 1) {
      let left = products[column * width + other] as number;
      for (let before = 0; before < other; before += 1) {
        left -= (factor[column * width + before] as number) * (factor[other * width + before] as number);
      }
      if (other < column) {
        const pivot = factor[other * width + other] as number;
        factor[column * width + other] = pivot === 0 ? 0 : left / pivot;
      } else if (left > dependent * (products[column * width + column] as number)) {
        factor[column * width + column] = Math.sqrt(left);
      }
    }
  }
  return factor;
}
