import { DDSketch } from '@datadog/sketches-js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSketch, deserialiseSketch, type QuantileSketch } from './quantile-sketch.ts';
import { createRandom } from './random.ts';

function sketchOf(values: readonly number[]): QuantileSketch {
  const sketch = createSketch();
  for (const value of values) sketch.add(value);
  return sketch;
}

/** The exact quantile by the same definition of rank. */
function exactQuantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(q * (sorted.length - 1))] ?? Number.NaN;
}

function countOrError(bytes: Uint8Array): unknown {
  try {
    return deserialiseSketch(bytes).count;
  } catch (error) {
    return error;
  }
}

const quantiles = [0, 0.01, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999, 1];
const values = fc.array(fc.oneof(fc.double({ min: 1e-6, max: 1e8, noNaN: true }), fc.integer({ min: 0, max: 3 })), {
  minLength: 1,
  maxLength: 300,
});

describe('createSketch', () => {
  it('is within 1% of every exact quantile, whatever the values', () => {
    fc.assert(
      fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (list, q) => {
        const exact = exactQuantile(list, q);
        const estimate = sketchOf(list).quantile(q) ?? Number.NaN;
        expect(Math.abs(estimate - exact)).toBeLessThanOrEqual(0.010_000_1 * exact);
      }),
    );
  });

  it('agrees with the reference implementation on long-tailed latencies', () => {
    const random = createRandom('latencies');
    const list = Array.from({ length: 20_000 }, () => random.logNormal(800, 6000));
    const reference = new DDSketch({ relativeAccuracy: 0.01 });
    for (const value of list) reference.accept(value);
    const sketch = sketchOf(list);
    for (const q of quantiles) {
      expect(sketch.quantile(q)).toBeCloseTo(reference.getValueAtQuantile(q), 6);
    }
  });

  it('merges parts into the sketch of the whole', () => {
    fc.assert(
      fc.property(values, values, (left, right) => {
        const merged = sketchOf(left);
        merged.merge(sketchOf(right));
        expect(merged.serialise()).toEqual(sketchOf([...left, ...right]).serialise());
        expect(merged.count).toBe(left.length + right.length);
      }),
    );
  });

  it('comes back from its bytes unchanged, and small', () => {
    fc.assert(
      fc.property(values, (list) => {
        const sketch = sketchOf(list);
        const copy = deserialiseSketch(sketch.serialise());
        expect(copy.buckets()).toEqual(sketch.buckets());
        expect(copy.count).toBe(sketch.count);
      }),
    );
    const random = createRandom(1);
    const latencies = sketchOf(Array.from({ length: 100_000 }, () => random.logNormal(800, 6000)));
    expect(latencies.serialise().length).toBeLessThan(2000);
  });

  it('says nothing while it is empty, and refuses what is no value', () => {
    const sketch = createSketch();
    expect(sketch.quantile(0.5)).toBeUndefined();
    for (const value of [-1, Number.NaN, Infinity]) expect(() => sketch.add(value)).toThrow(RangeError);
    sketch.add(0);
    sketch.add(Number.MAX_VALUE);
    expect(sketch.quantile(0)).toBe(0);
    expect(sketch.quantile(1)).toBeCloseTo(1e9, -7.3);
  });
});

describe('deserialiseSketch', () => {
  it('reads any bytes as a sketch or refuses them', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const outcome = countOrError(bytes);
        expect(typeof outcome === 'number' ? outcome >= 0 : outcome instanceof RangeError).toBe(true);
      }),
    );
    const whole = sketchOf([1, 20, 300]).serialise();
    expect(() => deserialiseSketch(whole.subarray(0, -1))).toThrow(RangeError);
    expect(() => deserialiseSketch(new Uint8Array())).toThrow(RangeError);
  });
});
