import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRetryBudget } from './retry-budget.ts';

function withdrawAll(budget: ReturnType<typeof createRetryBudget>, nowMs: number): number {
  let retries = 0;
  while (budget.tryWithdraw(nowMs)) retries += 1;
  return retries;
}

test.each([
  [0, 0.2, 10, 100],
  [1000, 0.2, 0, 200],
  [1000, 0.2, 10, 300],
  [4, 0.2, 0, 0],
  [5, 0.2, 0, 1],
  [1000, 0, 0, 0],
])('%i requests with a share of %f and %f a second allow %i retries', (requests, share, minPerSecond, expected) => {
  const budget = createRetryBudget(() => ({ share, minPerSecond }));
  for (let request = 0; request < requests; request += 1) budget.deposit(1000);
  expect(budget.balance(1000)).toBe(expected);
  expect(withdrawAll(budget, 1000)).toBe(expected);
  expect(budget.balance(1000)).toBe(0);
});

test('neither what was saved nor what was spent lasts longer than ten seconds', () => {
  const budget = createRetryBudget(() => ({ share: 0.2, minPerSecond: 1 }));
  for (let request = 0; request < 1000; request += 1) budget.deposit(0);
  expect(withdrawAll(budget, 5000)).toBe(210);
  expect(budget.balance(10_000)).toBe(0);
  expect(budget.balance(15_000)).toBe(10);
});

test('over the last ten seconds there are never more retries than the formula allows', () => {
  const step = fc.record({ afterMs: fc.nat(800), requests: fc.nat(20), retries: fc.nat(20) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const budget = createRetryBudget(() => ({ share: 0.2, minPerSecond: 0.5 }));
      const requests: number[] = [];
      const retries: number[] = [];
      let nowMs = 0;
      for (const { afterMs, ...wanted } of steps) {
        nowMs += afterMs;
        for (let request = 0; request < wanted.requests; request += 1) {
          budget.deposit(nowMs);
          requests.push(nowMs);
        }
        for (let retry = 0; retry < wanted.retries; retry += 1) if (budget.tryWithdraw(nowMs)) retries.push(nowMs);
        const since = (list: number[], ms: number): number => list.filter((atMs) => atMs > nowMs - ms).length;
        expect(since(retries, 9000)).toBeLessThanOrEqual(0.2 * since(requests, 10_000) + 5);
      }
    }),
  );
});
