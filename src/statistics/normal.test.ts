import { expect, it } from 'vitest';
import { normalCdf } from './normal.ts';

it.each([
  [0, 0.5],
  [1.959963984540054, 0.975],
  [-1.959963984540054, 0.025],
  [-3, 0.0013498980316300946],
  [5, 0.9999997133484281],
  [-9, 0],
  [9, 1],
])('Φ(%f)', (x, share) => {
  expect(normalCdf(x)).toBeCloseTo(share, 12);
});
