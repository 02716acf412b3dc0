/** A summary of many values from which any quantile can be read, in bounded memory. */
export interface QuantileSketch {
  /** Values added so far. */
  readonly count: number;
  /** Adds one value in [0, ∞). Throws a RangeError for anything else. */
  add(value: number): void;
  /** Adds all that the other one holds; the result is the same as if each value had been added here. */
  merge(other: QuantileSketch): void;
  /** As `merge`, from what `serialise` wrote, with less work. Throws a RangeError for other bytes. */
  mergeSerialised(bytes: Uint8Array): void;
  /** The value at quantile `q` in [0, 1] (lower nearest rank), within 1%; `undefined` while empty. */
  quantile(q: number): number | undefined;
  /** Pairs of bucket index and count, by rising index. Values that count as zero are in bucket `zeroBucket`. */
  buckets(): Array<readonly [index: number, count: number]>;
  /** The form that `deserialiseSketch` reads. */
  serialise(): Uint8Array;
}

const relativeAccuracy = 0.01;
const gamma = (1 + relativeAccuracy) / (1 - relativeAccuracy);
const logGamma = Math.log(gamma);
/** Values outside are counted at the border, so that there are at most 2,073 buckets. */
const smallest = 1e-9;
const largest = 1e9;
const lowestIndex = indexOf(smallest);
const highestIndex = indexOf(largest);
const zeroBucket = lowestIndex - 1;

const formatVersion = 1;

/**
 * DDSketch with α = 1%: bucket i counts the values in (γ^(i−1), γ^i] with γ = (1+α)/(1−α), and stands for 2γ^i/(γ+1),
 * which is within α of each of them. So a quantile is at most 1% off the exact one, whatever the distribution, and
 * sketches of parts merge into exactly the sketch of the whole. Values below 1e-9 count as 0, those above 1e9 as 1e9.
 *
 * Charles Masson, Jee E. Rim and Homin K. Lee, "DDSketch: A Fast and Fully-Mergeable Quantile Sketch with
 * Relative-Error Guarantees", PVLDB 12(12), 2019, https://doi.org/10.14778/3352063.3352135.
 */
export function createSketch(): QuantileSketch {
  const counts = new Map<number, number>();
  let total = 0;

  function addTo(index: number, count: number): void {
    counts.set(index, (counts.get(index) ?? 0) + count);
    total += count;
  }

  function buckets(): Array<readonly [number, number]> {
    return [...counts].sort(([a], [b]) => a - b);
  }

  return {
    get count() {
      return total;
    },
    add(value) {
      if (!(value >= 0 && value < Infinity)) throw new RangeError(`not a value for a sketch: ${value}`);
      addTo(value < smallest ? zeroBucket : Math.min(indexOf(value), highestIndex), 1);
    },
    merge(other) {
      for (const [index, count] of other.buckets()) addTo(index, count);
    },
    mergeSerialised: (bytes) => readBuckets(bytes, addTo),
    quantile(q) {
      const rank = Math.floor(q * (total - 1));
      let seen = 0;
      for (const [index, count] of buckets()) {
        seen += count;
        if (seen > rank) return valueOf(index);
      }
      return undefined;
    },
    buckets,
    serialise() {
      const bytes: number[] = [];
      writeNumber(bytes, formatVersion);
      writeNumber(bytes, counts.size);
      let previous = zeroBucket - 1;
      for (const [index, count] of buckets()) {
        writeNumber(bytes, index - previous);
        writeNumber(bytes, count);
        previous = index;
      }
      return Uint8Array.from(bytes);
    },
  };
}

/** Throws a RangeError for bytes that `serialise` did not write. */
export function deserialiseSketch(bytes: Uint8Array): QuantileSketch {
  const sketch = createSketch();
  sketch.mergeSerialised(bytes);
  return sketch;
}

function readBuckets(bytes: Uint8Array, add: (index: number, count: number) => void): void {
  const read = createReader(bytes);
  if (read() !== formatVersion) throw new RangeError('not a sketch of a known version');
  let index = zeroBucket - 1;
  for (let remaining = read(); remaining > 0; remaining -= 1) {
    const gap = read();
    const count = read();
    index += gap;
    if (gap === 0 || index > highestIndex || count === 0) throw new RangeError('not a sketch: bucket out of range');
    add(index, count);
  }
}

function indexOf(value: number): number {
  return Math.ceil(Math.log(value) / logGamma);
}

function valueOf(index: number): number {
  return index === zeroBucket ? 0 : (2 * gamma ** index) / (gamma + 1);
}

/** Seven bits a byte, lowest first, the eighth says that more follow: small numbers take one byte. */
function writeNumber(bytes: number[], value: number): void {
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
}

function createReader(bytes: Uint8Array): () => number {
  let position = 0;
  return function readNumber(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 0x80) {
      const byte = bytes[position];
      position += 1;
      if (byte === undefined || factor > 2 ** 49) throw new RangeError('not a sketch: cut short');
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  };
}
