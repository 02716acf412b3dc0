import { describe, expect, it } from 'vitest';
import { createRandom } from '../statistics/random.ts';
import { sparseLength } from '../statistics/sparse.ts';
import { join, quantise, sumColumns } from './quantised-matrix.ts';

const random = createRandom('matrix');
const column = (): Float32Array => Float32Array.from({ length: sparseLength }, () => 2 * random.next() - 1);
const featuresOf = (count: number): Uint16Array => Uint16Array.from({ length: count }, () => random.int(sparseLength));

describe('sumColumns', () => {
  // Around the number of features that are added up at once, and where the last word is not full.
  it.each([0, 1, 255, 256, 257, 1000])('is the normalised sum of the rounded numbers of %d features', (count) => {
    for (const columns of [1, 3, 4, 7]) {
      const numbers = Array.from({ length: columns }, column);
      const matrix = quantise(numbers);
      const features = featuresOf(count);
      const sums = sumColumns(matrix, features);
      expect(sums).toHaveLength(columns);
      for (const [index, of] of numbers.entries()) {
        const step = matrix.scales[index] ?? 0;
        const exact = features.reduce((sum, feature) => sum + step * Math.round((of[feature] ?? 0) / step), 0);
        expect(sums[index]).toBeCloseTo(count === 0 ? 0 : exact / Math.sqrt(count), 4);
      }
    }
  });

  it('reaches both ends of the scale without running over', () => {
    const ends = Float32Array.from({ length: sparseLength }, (_, place) => (place % 2 === 0 ? 1 : -1));
    const even = Uint16Array.from({ length: 512 }, (_, at) => 2 * at);
    const odd = even.map((place) => place + 1);
    const matrix = quantise([ends, ends, ends, ends]);
    for (const sum of sumColumns(matrix, even)) expect(sum).toBeCloseTo(Math.sqrt(512), 4);
    for (const sum of sumColumns(matrix, odd)) expect(sum).toBeCloseTo(-Math.sqrt(512), 4);
  });
});

it('joins matrices column by column', () => {
  const [left, right] = [quantise([column(), column(), column()]), quantise([column(), column()])];
  const features = featuresOf(300);
  expect([...sumColumns(join(left, right), features)]).toEqual([
    ...sumColumns(left, features),
    ...sumColumns(right, features),
  ]);
});
