import { expect, test } from 'vitest';
import { calibrationOf } from './calibration.ts';

test('calibration error by bins, and squared distance', () => {
  // Bin 0.2: two predictions of 0.25 with outcomes 0 and 1; bin 0.9: 0.95 and 1, both right.
  const { ece, brier } = calibrationOf([0.25, 0.25, 0.95, 1], [0, 1, 1, 1]);
  expect(ece).toBeCloseTo((Math.abs(0.5 - 1) + Math.abs(1.95 - 2)) / 4, 12);
  expect(brier).toBeCloseTo((0.0625 + 0.5625 + 0.0025) / 4, 12);
});

test('is unknown of nothing', () => {
  expect(calibrationOf([], [])).toEqual({ ece: NaN, brier: NaN });
});
