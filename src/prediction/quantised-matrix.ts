import { sparseLength } from '../statistics/sparse.ts';

/** A number for each feature and column, in 8 bits: `values[feature · columns + column] · scales[column]`. */
export interface QuantisedMatrix {
  readonly columns: number;
  readonly values: Int8Array;
  readonly scales: Float32Array;
}

const greatest = 127;

/** Columns of `sparseLength` numbers each, rounded to 255 steps between their own extremes. */
export function quantise(columns: readonly (Float32Array | Float64Array)[]): QuantisedMatrix {
  const values = new Int8Array(sparseLength * columns.length);
  const scales = new Float32Array(columns.length);
  for (const [column, numbers] of columns.entries()) {
    let extreme = 0;
    for (const number of numbers) extreme = Math.max(extreme, Math.abs(number));
    if (extreme === 0) continue;
    scales[column] = extreme / greatest;
    for (let place = 0; place < sparseLength; place += 1) {
      values[place * columns.length + column] = Math.round(((numbers[place] as number) / extreme) * greatest);
    }
  }
  return { columns: columns.length, values, scales };
}

/** For each column the mean-square-normalised sum over the features: Σ of their numbers / √count. */
export function sumColumns({ columns, values, scales }: QuantisedMatrix, features: Uint16Array): Float64Array {
  const sums = new Float64Array(columns);
  for (const feature of features) {
    const offset = feature * columns;
    for (let column = 0; column < columns; column += 1) {
      sums[column] = (sums[column] as number) + (values[offset + column] as number);
    }
  }
  const factor = features.length === 0 ? 0 : 1 / Math.sqrt(features.length);
  for (let column = 0; column < columns; column += 1) {
    sums[column] = (sums[column] as number) * (scales[column] as number) * factor;
  }
  return sums;
}

/**
 * A matrix of which each column is a sum of another's columns, each times its factor: `factors[column]` holds one factor for
 * each column of `matrix`.
 */
export function mixColumns(matrix: QuantisedMatrix, factors: readonly (readonly number[])[]): QuantisedMatrix {
  const columns = factors.map((parts) => {
    const column = new Float32Array(sparseLength);
    for (const [from, factor] of parts.entries()) {
      const scaled = factor * (matrix.scales[from] as number);
      for (let place = 0; place < sparseLength; place += 1) {
        const value = scaled * (matrix.values[place * matrix.columns + from] as number);
        column[place] = (column[place] as number) + value;
      }
    }
    return column;
  });
  return quantise(columns);
}
