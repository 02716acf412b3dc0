import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scoreOf, successRateOf } from '../../statistics/score-scale.ts';
import { type Finding, nextPublished, scoreInterval } from './publication.ts';

const rate = 0.9;
const finding = (more: Partial<Finding> = {}): Finding => ({
  posterior: { alpha: rate * 1000, beta: (1 - rate) * 1000 },
  observations: 1000,
  minObservations: 100,
  slowness: 0,
  isAlarm: false,
  mayFall: true,
  ...more,
});
const target = Math.round(scoreOf(rate) * 100) / 100;

describe('a score', () => {
  it('moves to what is believed, by at most 0.3 at a time', () => {
    expect(nextPublished(target - 0.2, finding())).toBe(target);
    expect(nextPublished(3, finding())).toBe(3.3);
    expect(nextPublished(5, finding())).toBe(4.7);
  });

  it('stays with too little evidence, for too small a move, and for one within the interval', () => {
    expect(nextPublished(3, finding({ observations: 99 }))).toBe(3);
    expect(nextPublished(target + 0.09, finding())).toBe(target + 0.09);
    const unsure = { alpha: rate * 30, beta: (1 - rate) * 30 };
    const [low] = scoreInterval(unsure);
    expect(nextPublished(low + 0.05, finding({ posterior: unsure }))).toBe(low + 0.05);
  });

  it('goes all the way after an alarm, and falls only where the fleet agrees', () => {
    expect(nextPublished(5, finding({ isAlarm: true, observations: 3 }))).toBe(target);
    expect(nextPublished(5, finding({ mayFall: false, isAlarm: true }))).toBe(5);
    expect(nextPublished(3, finding({ mayFall: false }))).toBe(3.3);
  });

  it('is lowered by slowness', () => {
    expect(nextPublished(target, finding({ slowness: 0.2 }))).toBeCloseTo(target - 0.2, 9);
  });

  it('stays in [0, 5], in whole hundredths, and comes to rest', () => {
    const any = fc.record({
      alpha: fc.double({ min: 0.01, max: 10_000, noNaN: true }),
      beta: fc.double({ min: 0.01, max: 10_000, noNaN: true }),
    });
    fc.assert(
      fc.property(
        any,
        fc.integer({ min: 0, max: 500 }),
        fc.double({ min: 0, max: 0.5, noNaN: true }),
        (posterior, start, slowness) => {
          let score = start / 100;
          for (let tick = 0; tick < 40; tick += 1) {
            const next = nextPublished(score, finding({ posterior, slowness }));
            expect(next).toBeGreaterThanOrEqual(0);
            expect(next).toBeLessThanOrEqual(5);
            expect(Math.abs(next - score)).toBeLessThanOrEqual(0.3 + 1e-9);
            expect(Math.round(next * 100) / 100).toBe(next);
            score = next;
          }
          expect(nextPublished(score, finding({ posterior, slowness }))).toBe(score);
        },
      ),
    );
  });

  it('is the catalogue’s without evidence: one scale, both ways', () => {
    for (let score = 0; score <= 5; score += 0.01) expect(scoreOf(successRateOf(score))).toBeCloseTo(score, 9);
  });
});
