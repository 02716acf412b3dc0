import { describe, expect, it } from 'vitest';
import { pairMeasures, rank } from './pair.ts';

const ones = (count: number): Float64Array => new Float64Array(count).fill(1);

describe('pairMeasures', () => {
  it('is that of chance where nothing is known', () => {
    const gains = Float64Array.from([1, 0, -1, 1, 1, 0, 0, 1]);
    const { apgr, cpt50, cpt80 } = pairMeasures(rank(new Float64Array(8)), gains, ones(8));
    expect(apgr).toBeCloseTo(0.5, 12);
    expect(cpt50).toBeCloseTo(0.5, 12);
    expect(cpt80).toBeCloseTo(0.8, 12);
  });

  it('counts the cuts as RouteLLM does', () => {
    // Ten rows, three of which only the strong model gets right: ranked first, the gap closes at 10%, 20% and 30%.
    const gains = Float64Array.from([1, 1, 1, 0, 0, 0, 0, 0, 0, 0]);
    const { apgr, cpt50, cpt80 } = pairMeasures(rank(Float64Array.from(gains.keys(), (row) => -row)), gains, ones(10));
    // Trapezoids between 0, 1/3, 2/3, 1, 1, …, 1.
    expect(apgr).toBeCloseTo((1 / 6 + 1 / 2 + 5 / 6 + 7) / 10, 12);
    expect(cpt50).toBeCloseTo(0.15, 12);
    expect(cpt80).toBeCloseTo(0.24, 12);
  });

  it('passes 1 where the weak model is sometimes the better one', () => {
    const gains = Float64Array.from([1, 1, 1, 1, 0, 0, 0, 0, -1, -1]);
    expect(pairMeasures(rank(gains), gains, ones(10)).apgr).toBeGreaterThan(1);
  });

  it('does not depend on the order of rows that tie', () => {
    const predicted = Float64Array.from([0.5, 0.5, 0.5, 0.1]);
    const one = pairMeasures(rank(predicted), Float64Array.from([1, 0, 0, 0.5]), ones(4));
    const other = pairMeasures(rank(predicted), Float64Array.from([0, 0, 1, 0.5]), ones(4));
    expect(one.apgr).toBeCloseTo(other.apgr, 12);
  });

  it('takes a row of weight two for two rows', () => {
    const weighted = pairMeasures(
      rank(Float64Array.from([3, 2, 1])),
      Float64Array.from([1, 0, 1]),
      Float64Array.from([2, 1, 0]),
    );
    const repeated = pairMeasures(rank(Float64Array.from([3, 3, 2])), Float64Array.from([1, 1, 0]), ones(3));
    expect(weighted).toEqual(repeated);
  });

  it('is unknown where the strong model is not better', () => {
    expect(pairMeasures(rank(ones(2)), Float64Array.from([1, -1]), ones(2)).apgr).toBeNaN();
  });
});
