import { describe, expect, it } from 'vitest';
import { averageQuality, costOfQuality, frontierOf, qualityAtCost } from './frontier.ts';

const at = (costUsd: number, quality: number) => ({ costUsd, quality });

describe('frontierOf', () => {
  it('leaves out what a mix of others beats, and what is dearer without being better', () => {
    const points = [at(4, 0.8), at(1, 0.5), at(2, 0.55), at(3, 0.4), at(5, 0.79), at(1, 0.3)];
    expect(frontierOf(points)).toEqual([at(1, 0.5), at(4, 0.8)]);
  });

  it('keeps what lies above the line between its neighbours', () => {
    expect(frontierOf([at(1, 0.5), at(2, 0.7), at(4, 0.8)])).toHaveLength(3);
  });
});

describe('along a frontier', () => {
  const frontier = [at(1, 0.4), at(3, 0.8)];

  it('a quality costs what the mix of two points does', () => {
    const costs = [0.3, 0.4, 0.6, 0.8, 0.81].map((quality) => costOfQuality(frontier, quality));
    expect(costs).toEqual([1, 1, expect.closeTo(2, 12), 3, Infinity]);
  });

  it('a cost buys the mix of two points, nothing below the first, no more beyond the last', () => {
    expect([0.5, 1, 2, 3, 9].map((cost) => qualityAtCost(frontier, cost))).toEqual([
      0,
      0.4,
      expect.closeTo(0.6, 12),
      0.8,
      0.8,
    ]);
  });
});

describe('averageQuality', () => {
  it('is the mean over costs: a flat line is its own', () => {
    const { linear, logarithmic } = averageQuality([at(1, 0.7)], 1, 5);
    expect([linear, logarithmic]).toEqual([expect.closeTo(0.7, 12), expect.closeTo(0.7, 12)]);
  });

  it('counts dollars alike, or doublings alike', () => {
    // From 0.4 to 0.8 over $1 to $3, then flat to $5: (0.6 · 2 + 0.8 · 2) / 4.
    const { linear, logarithmic } = averageQuality([at(1, 0.4), at(3, 0.8)], 1, 5);
    expect(linear).toBeCloseTo(0.7, 12);
    // On the first part quality is 0.2 + 0.2·c: ∫ dc/c of it is 0.2·ln 3 + 0.2·2, and 0.8·ln(5/3) on the second.
    expect(logarithmic).toBeCloseTo((0.2 * Math.log(3) + 0.4 + 0.8 * Math.log(5 / 3)) / Math.log(5), 12);
  });

  it('has nothing below its cheapest point', () => {
    expect(averageQuality([at(3, 0.8)], 1, 5).linear).toBeCloseTo(0.4, 12);
  });

  it('is unknown where all costs are equal, and by doublings where one is nothing', () => {
    expect(averageQuality([at(1, 0.4)], 1, 1).linear).toBeNaN();
    expect(averageQuality([at(0, 0.4)], 0, 1)).toEqual({ linear: 0.4, logarithmic: NaN });
  });
});
