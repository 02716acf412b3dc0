import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createHedgeBudget, hedgeDelayMs } from './hedge.ts';

describe('createHedgeBudget', () => {
  it('saves ten hedges at the most', () => {
    const budget = createHedgeBudget(() => ({ share: 0.05 }));
    for (let request = 0; request < 19; request += 1) budget.deposit();
    expect(budget.tryWithdraw()).toBe(false);
    budget.deposit();
    expect(budget.tryWithdraw()).toBe(true);
    expect(budget.tryWithdraw()).toBe(false);
    for (let request = 0; request < 10_000; request += 1) budget.deposit();
    expect(budget.balance()).toBe(10);
  });

  it('never allows more than the share, and at a steady rate no less', () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(share, fc.integer({ min: 1, max: 2000 }), (wanted, requests) => {
        const budget = createHedgeBudget(() => ({ share: wanted }));
        let hedges = 0;
        for (let request = 0; request < requests; request += 1) {
          budget.deposit();
          if (budget.tryWithdraw()) hedges += 1;
        }
        expect(hedges).toBeLessThanOrEqual(wanted * requests + 0.001 * requests);
        expect(hedges).toBeGreaterThan(wanted * requests - 1.002);
      }),
    );
  });
});

describe('hedgeDelayMs', () => {
  it.each([
    [null, null],
    [0, 250],
    [900, 900],
    [60_000, 4000],
  ])('p95 of %s ms → %s ms', (p95Ms, expected) => {
    expect(hedgeDelayMs(p95Ms, { minDelayMs: 250, maxDelayMs: 4000 })).toBe(expected);
  });
});
