import { sparseLength } from '../statistics/sparse.ts';
import type { ArrayReader } from './packed.ts';

/** A number for each feature and column, in 8 bits: a byte of −127 to 127 times the scale of its column. */
export interface QuantisedMatrix {
  readonly columns: number;
  readonly scales: Float32Array;
  /** The bytes as they are added up: 128 greater each, four columns in a word. */
  readonly words: Int32Array;
  /** A bit for each feature, in words of 32: whether any of its numbers is not 0. */
  readonly occupied: Uint32Array;
}

const greatest = 127;
const columnsPerWord = 4;
/** So many words of a row are added up at once; rows are filled up to whole passes. */
const wordsPerPass = 3;
/** Makes bytes of −128 to 127 bytes of 0 to 255, each greater by 128, and back. */
const unsigned = 0x80808080 | 0;
const shiftedBy = 128;

/** Words of a row as it is packed. */
const packedWords = (columns: number): number => Math.ceil(columns / columnsPerWord);
/** Words of a row as it is added up. */
const rowWords = (columns: number): number => wordsPerPass * Math.ceil(packedWords(columns) / wordsPerPass);

/** Columns of `sparseLength` numbers each, rounded to 255 steps between their own extremes. */
export function quantise(columns: readonly (Float32Array | Float64Array)[]): QuantisedMatrix {
  const stride = columnsPerWord * packedWords(columns.length);
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
  return matrixOf(scales, values);
}

/** `values`: `feature · 4·packedWords + column`. */
function matrixOf(scales: Float32Array, values: Int8Array): QuantisedMatrix {
  const columns = scales.length;
  const [from, to] = [packedWords(columns), rowWords(columns)];
  const packed = new Int32Array(values.buffer, values.byteOffset, sparseLength * from);
  const words = new Int32Array(sparseLength * to);
  const occupied = new Uint32Array(sparseLength / 32);
  for (let place = 0; place < sparseLength; place += 1) {
    let any = 0;
    for (let word = 0; word < from; word += 1) {
      const bytes = packed[place * from + word] as number;
      words[place * to + word] = bytes ^ unsigned;
      any |= bytes;
    }
    if (any !== 0) occupied[place >>> 5] = (occupied[place >>> 5] as number) | (1 << (place & 31));
  }
  return { columns, scales, words, occupied };
}

/** Its bytes without what fills rows up: `feature · 4·packedWords + column`. */
function valuesOf({ columns, words }: QuantisedMatrix): Int8Array {
  const [from, to] = [rowWords(columns), packedWords(columns)];
  const packed = new Int32Array(sparseLength * to);
  for (let place = 0; place < sparseLength; place += 1) {
    for (let word = 0; word < to; word += 1) {
      packed[place * to + word] = (words[place * from + word] as number) ^ unsigned;
    }
  }
  return new Int8Array(packed.buffer);
}

/** The columns of two matrices side by side, so that a feature's numbers lie together in memory. */
export function join(left: QuantisedMatrix, right: QuantisedMatrix): QuantisedMatrix {
  const scales = Float32Array.from([...left.scales, ...right.scales]);
  const stride = columnsPerWord * packedWords(scales.length);
  const values = new Int8Array(sparseLength * stride);
  for (const [matrix, firstColumn] of [[left, 0] as const, [right, left.columns] as const]) {
    const own = valuesOf(matrix);
    const ownStride = columnsPerWord * packedWords(matrix.columns);
    for (let place = 0; place < sparseLength; place += 1) {
      const row = own.subarray(place * ownStride, place * ownStride + matrix.columns);
      values.set(row, place * stride + firstColumn);
    }
  }
  return matrixOf(scales, values);
}

/** A matrix as it is packed: its scales, then its bytes, rows filled up to whole words. */
export function arraysOf(matrix: QuantisedMatrix): [Float32Array, Int8Array] {
  return [matrix.scales, valuesOf(matrix)];
}

/** The inverse of `arraysOf`. */
export function readMatrix(arrays: ArrayReader, columns: number): QuantisedMatrix {
  const scales = arrays.floats(columns);
  return matrixOf(scales, arrays.integers(sparseLength * columnsPerWord * packedWords(columns)));
}

/** The first and the third of the four bytes of a word, each with room for a sum of 16 bits. */
const everyOther = 0x00ff00ff;
/** So many bytes can be added up in 16 bits. */
const featuresPerSum = 256;

/** The features of the prompt under way of which a matrix says something. */
const known = new Uint16Array(sparseLength);

/** Features of which nothing was learned, as most are for the prior, are not looked up. Returns how many are. */
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
 * For each column the mean-square-normalised sum over the features: Σ of their numbers / √count. A third of the time of a
 * decision is spent here, so four columns are read at once, as one word, two of them are added up in one number, and each
 * row is looked up once for three words. Sums run over into the sign, which does no harm to their bits.
 */
export function sumColumns({ columns, scales, words, occupied }: QuantisedMatrix, features: Uint16Array): Float64Array {
  const stride = rowWords(columns);
  const sums = new Float64Array(stride * columnsPerWord);
  const count = findKnown(features, occupied);
  for (let start = 0; start < count; start += featuresPerSum) {
    const end = Math.min(start + featuresPerSum, count);
    const excess = (end - start) * shiftedBy;
    for (let word = 0; word < stride; word += wordsPerPass) {
      let even0 = 0;
      let odd0 = 0;
      let even1 = 0;
      let odd1 = 0;
      let even2 = 0;
      let odd2 = 0;
      for (let at = start; at < end; at += 1) {
        const place = (known[at] as number) * stride + word;
        const bytes0 = words[place] as number;
        const bytes1 = words[place + 1] as number;
        const bytes2 = words[place + 2] as number;
        even0 = (even0 + (bytes0 & everyOther)) | 0;
        odd0 = (odd0 + ((bytes0 >>> 8) & everyOther)) | 0;
        even1 = (even1 + (bytes1 & everyOther)) | 0;
        odd1 = (odd1 + ((bytes1 >>> 8) & everyOther)) | 0;
        even2 = (even2 + (bytes2 & everyOther)) | 0;
        odd2 = (odd2 + ((bytes2 >>> 8) & everyOther)) | 0;
      }
      const column = word * columnsPerWord;
      addSums(sums, column, even0, odd0, excess);
      addSums(sums, column + columnsPerWord, even1, odd1, excess);
      addSums(sums, column + 2 * columnsPerWord, even2, odd2, excess);
    }
  }
  const factor = features.length === 0 ? 0 : 1 / Math.sqrt(features.length);
  for (let column = 0; column < columns; column += 1) {
    sums[column] = (sums[column] as number) * (scales[column] as number) * factor;
  }
  return sums.subarray(0, columns);
}

/** Adds the sums of a word's four columns, of which two numbers hold two each. */
function addSums(sums: Float64Array, column: number, even: number, odd: number, excess: number): void {
  sums[column] = (sums[column] as number) + (even & 0xffff) - excess;
  sums[column + 1] = (sums[column + 1] as number) + (odd & 0xffff) - excess;
  sums[column + 2] = (sums[column + 2] as number) + (even >>> 16) - excess;
  sums[column + 3] = (sums[column + 3] as number) + (odd >>> 16) - excess;
}
