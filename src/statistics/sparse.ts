/** A vector of which most places are 0: `values[i]` stands at place `indices[i]`; no place twice. */
export interface SparseVector {
  readonly indices: Uint16Array;
  readonly values: Float32Array;
}

/** Places of a sparse vector: as many as 16 bits name. */
export const sparseLength = 65_536;

/** The vector that has the same value at all given places, and length 1. Empty where there are none. */
export function evenVector(indices: Uint16Array): SparseVector {
  return { indices, values: new Float32Array(indices.length).fill(1 / Math.sqrt(indices.length)) };
}

/** Product of a sparse vector with a dense one of `sparseLength` values. */
export function dot({ indices, values }: SparseVector, dense: Float32Array | Float64Array): number {
  let sum = 0;
  for (let at = 0; at < indices.length; at += 1) {
    sum += (values[at] as number) * (dense[indices[at] as number] as number);
  }
  return sum;
}

/** Adds `factor` times a sparse vector to a dense one. */
export function addTo(dense: Float32Array | Float64Array, { indices, values }: SparseVector, factor: number): void {
  for (let at = 0; at < indices.length; at += 1) {
    const place = indices[at] as number;
    dense[place] = (dense[place] as number) + factor * (values[at] as number);
  }
}
