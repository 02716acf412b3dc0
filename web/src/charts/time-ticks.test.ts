import fc from 'fast-check';
import { expect, it } from 'vitest';
import { timeTicks } from './time-ticks.ts';

const hourMs = 3_600_000;

it('gives few round times, all of them within', () => {
  const since = Date.UTC(2026, 0, 1);
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 1000 * hourMs }),
      fc.integer({ min: 60_000, max: 744 * hourMs }),
      (at, span) => {
        const ticks = timeTicks(since + at, since + at + span);
        expect(ticks.length).toBeLessThanOrEqual(6);
        expect(ticks.length).toBeGreaterThan(0);
        expect(ticks.every((tick) => tick >= since + at && tick <= since + at + span)).toBe(true);
        expect(ticks.every((tick) => new Date(tick).getSeconds() === 0)).toBe(true);
      },
    ),
  );
});
