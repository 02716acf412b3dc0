import { sparseLength } from '../statistics/sparse.ts';
import type { ArrayReader } from './packed.ts';

/**
 * A number for each feature and column, in 8 bits: `values[feature · rowLength + column] · scales[column]`. Rows are filled
 * up to whole words of four columns.
 */
export interface QuantisedMatrix {
  readonly columns: number;
  readonly values: Int8Array;
  readonly scales: Float32Array;
  /** A bit for each feature, in words of 32: whether any of its numbers is not 0. */
  readonly occupied: Uint32Array;
}

const greatest = 127;
const columnsPerWord = 4;

const wordsPerRow = (columns: number): number => Math.ceil(columns / columnsPerWord);

/** Numbers in one row of a matrix of so many columns, those that fill it up included. */
const rowLength = (columns: number): number => columnsPerWord * wordsPerRow(columns);

/** Columns of `sparseLength` numbers each, rounded to 255 steps between their own extremes. */
export function quantise(columns: readonly (Float32Array | Float64Array)[]): QuantisedMatrix {
  const stride = rowLength(columns.length);
  const values = new Int8Array(sparseLength * stride);
  const scales = new Float32Array(columns.length);
  for (const [column, numbers] of columns.entries()) {
    let extreme = 0;
    for (const number of numbers) extreme = Math.max(extreme, Math.abs(number));
    if (extreme === 0) continue;
    scales[column] = extreme / greatest;
    for (let place = 0; place < sparseLength; place += 1) {
      values[place * stride + column] = Math.round(((numbers[place] as number) / extreme) * greatest);
    }
  }
  return matrixOf(columns.length, values, scales);
}

function matrixOf(columns: number, values: Int8Array, scales: Float32Array): QuantisedMatrix {
  const rowWords = wordsPerRow(columns);
  const words = wordsOf(values, rowWords);
  const occupied = new Uint32Array(sparseLength / 32);
  for (let word = 0; word < words.length; word += 1) {
    if (words[word] === 0) continue;
    const place = Math.floor(word / rowWords);
    occupied[place >>> 5] = (occupied[place >>> 5] as number) | (1 << (place & 31));
  }
  return { columns, values, scales, occupied };
}

const wordsOf = (values: Int8Array, rowWords: number): Int32Array =>
  new Int32Array(values.buffer, values.byteOffset, sparseLength * rowWords);

/** The columns of two matrices side by side, so that a feature's numbers lie together in memory. */
export function join(left: QuantisedMatrix, right: QuantisedMatrix): QuantisedMatrix {
  const columns = left.columns + right.columns;
  const stride = rowLength(columns);
  const values = new Int8Array(sparseLength * stride);
  for (let place = 0; place < sparseLength; place += 1) {
    const from = place * rowLength(left.columns);
    const fromRight = place * rowLength(right.columns);
    values.set(left.values.subarray(from, from + left.columns), place * stride);
    values.set(right.values.subarray(fromRight, fromRight + right.columns), place * stride + left.columns);
  }
  return matrixOf(columns, values, Float32Array.from([...left.scales, ...right.scales]));
}

/** A matrix as it was packed: its scales, then its values. */
export function readMatrix(arrays: ArrayReader, columns: number): QuantisedMatrix {
  const scales = arrays.floats(columns);
  return matrixOf(columns, arrays.integers(sparseLength * rowLength(columns)), scales);
}

/** Makes bytes of −128 to 127 bytes of 0 to 255, each greater by 128. */
const unsigned = 0x80808080 | 0;
const shiftedBy = 128;
/** The first and the third of the four bytes of a word, each with room for a sum of 16 bits. */
const everyOther = 0x00ff00ff;
/** So many bytes can be added up in 16 bits. */
const featuresPerSum = 256;

/** The features of the prompt under way of which a matrix says something. */
const known = new Uint16Array(sparseLength);

/** Most features are too rare for anything to have been learned of them: they are not looked up. Returns how many are. */
function findKnown(features: Uint16Array, occupied: Uint32Array): number {
  let count = 0;
  for (let at = 0; at < features.length; at += 1) {
    const feature = features[at] as number;
    known[count] = feature;
    count += ((occupied[feature >>> 5] as number) >>> (feature & 31)) & 1;
  }
  return count;
}

/**
 * For each column the mean-square-normalised sum over the features: Σ of their numbers / √count. Half of the time of a
 * decision is spent here, so four columns are read at once, as one word, and two are added up in one number.
 */
export function sumColumns(matrix: QuantisedMatrix, features: Uint16Array): Float64Array {
  const { columns, values, scales, occupied } = matrix;
  const rowWords = wordsPerRow(columns);
  const words = wordsOf(values, rowWords);
  const sums = new Float64Array(rowWords * columnsPerWord);
  const count = findKnown(features, occupied);
  for (let start = 0; start < count; start += featuresPerSum) {
    const end = Math.min(start + featuresPerSum, count);
    const excess = (end - start) * shiftedBy;
    for (let word = 0; word < rowWords; word += 1) {
      let even = 0;
      let odd = 0;
      for (let at = start; at < end; at += 1) {
        const bytes = (words[(known[at] as number) * rowWords + word] as number) ^ unsigned;
        even += bytes & everyOther;
        odd += (bytes >>> 8) & everyOther;
      }
      const column = word * columnsPerWord;
      sums[column] = (sums[column] as number) + (even & 0xffff) - excess;
      sums[column + 1] = (sums[column + 1] as number) + (odd & 0xffff) - excess;
      sums[column + 2] = (sums[column + 2] as number) + (even >>> 16) - excess;
      sums[column + 3] = (sums[column + 3] as number) + (odd >>> 16) - excess;
    }
  }
  const factor = features.length === 0 ? 0 : 1 / Math.sqrt(features.length);
  for (let column = 0; column < columns; column += 1) {
    sums[column] = (sums[column] as number) * (scales[column] as number) * factor;
  }
  return sums.subarray(0, columns);
}
