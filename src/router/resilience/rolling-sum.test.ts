import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRollingSum } from './rolling-sum.ts';

test('what is older than the window is gone, and what is newer than nine tenths of it is there', () => {
  const step = fc.record({ afterMs: fc.integer({ min: 0, max: 400 }), amount: fc.integer({ min: 0, max: 5 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), fc.constantFrom(1000, 700, 30_000), (steps, windowMs) => {
      const sum = createRollingSum(() => windowMs);
      const added: Array<{ atMs: number; amount: number }> = [];
      let nowMs = 12_345;
      for (const { afterMs, amount } of steps) {
        nowMs += afterMs;
        sum.add(amount, nowMs);
        added.push({ atMs: nowMs, amount });
        const since = (ms: number): number =>
          added.reduce((total, entry) => (entry.atMs > nowMs - ms ? total + entry.amount : total), 0);
        expect(sum.total(nowMs)).toBeLessThanOrEqual(since(windowMs));
        expect(sum.total(nowMs)).toBeGreaterThanOrEqual(since(0.9 * windowMs));
      }
    }),
  );
});

test('forgets all after a pause, and when it is told to', () => {
  const sum = createRollingSum(() => 1000);
  sum.add(3, 500);
  const nowMs = Date.UTC(2030, 0);
  expect(sum.total(nowMs)).toBe(0);
  sum.add(2, nowMs);
  sum.clear();
  expect(sum.total(nowMs)).toBe(0);
  expect(sum.total(nowMs + 5000)).toBe(0);
});

test('a clock that steps back loses nothing', () => {
  const sum = createRollingSum(() => 1000);
  sum.add(1, 5000);
  sum.add(1, 4000);
  expect(sum.total(3000)).toBe(2);
  expect(sum.total(5050)).toBe(2);
});
