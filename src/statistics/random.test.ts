import { describe, expect, it } from 'vitest';
import { createRandom, createXoshiro128 } from './random.ts';

describe('createXoshiro128', () => {
  it('gives the outputs of the reference implementation for the state 1, 2, 3, 4', () => {
    const next = createXoshiro128([1, 2, 3, 4]);
    expect(Array.from({ length: 10 }, next)).toEqual([
      11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804,
    ]);
  });
});

describe('createRandom', () => {
  const draw = (seed: number | string) => Array.from({ length: 5 }, createRandom(seed).next);

  it('repeats itself for an equal seed and differs for another', () => {
    expect(draw(7)).toEqual(draw('7'));
    expect(draw(7)).not.toEqual(draw(8));
  });

  it('has the moments of its distributions', () => {
    const random = createRandom('moments');
    const n = 20_000;
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const sample = (take: () => number) => Array.from({ length: n }, take);

    const uniform = sample(random.next);
    expect(uniform.every((value) => value >= 0 && value < 1)).toBe(true);
    expect(mean(uniform)).toBeCloseTo(0.5, 1.5);

    const normal = sample(random.normal);
    expect(mean(normal)).toBeCloseTo(0, 1);
    expect(mean(normal.map((value) => value ** 2))).toBeCloseTo(1, 1);

    const times = sample(() => random.logNormal(100, 400)).sort((a, b) => a - b);
    expect(times[n / 2]).toBeGreaterThan(96);
    expect(times[n / 2]).toBeLessThan(104);
    expect(times[n * 0.95]).toBeGreaterThan(375);
    expect(times[n * 0.95]).toBeLessThan(425);

    const mean3 = mean(sample(() => random.exponential(3)));
    expect(mean3).toBeGreaterThan(2.9);
    expect(mean3).toBeLessThan(3.1);
  });

  it('draws every integer below the bound and none beyond', () => {
    const random = createRandom('integers');
    const seen = new Set(Array.from({ length: 500 }, () => random.int(5)));
    expect([...seen].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4]);
  });

  it('is sure at the ends of chance and refuses what it cannot draw', () => {
    const random = createRandom(1);
    expect(Array.from({ length: 50 }, () => random.chance(0)).includes(true)).toBe(false);
    expect(Array.from({ length: 50 }, () => random.chance(1)).includes(false)).toBe(false);
    expect(() => random.int(0)).toThrow(RangeError);
    expect(() => random.int(1.5)).toThrow(RangeError);
    expect(() => random.pick([])).toThrow(RangeError);
  });
});
