import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BudgetAnswer, BudgetExchange } from '../../platform/store/budget-leases.ts';
import { type LeaseTimes, noDemand } from './account.ts';
import { createBudgetLease } from './budget-lease.ts';

const times: LeaseTimes = { idleMs: 500, renewMs: 1500, freshMs: 100 };

/** What PostgreSQL does with one budget, as far as one instance sees it. Counts in whole units. */
function createLedger(limitUsd: number) {
  let heldUsd = 0;
  let spentUsd = 0;
  let seq = 0;
  return {
    spent: () => spentUsd,
    exchange(said: BudgetExchange): BudgetAnswer {
      if (said.seq !== seq) {
        heldUsd = Math.max(0, heldUsd - said.settledUsd - said.returnedUsd);
        spentUsd += said.settledUsd;
        seq = said.seq;
      }
      const free = Math.max(0, limitUsd - spentUsd - heldUsd);
      const ahead = Math.min(Math.floor(said.aheadUsd), Math.floor(free / 8));
      if (free >= said.minimumUsd) heldUsd += Math.min(free, Math.max(Math.ceil(said.waitingUsd), ahead));
      return {
        budgetId: said.budgetId,
        heldUsd,
        lost: false,
        limitUsd,
        period: 'total',
        spentUsd,
        remainingUsd: Math.max(0, limitUsd - spentUsd - heldUsd),
        resetsAt: null,
      };
    },
  };
}

function answer(changes: Partial<BudgetAnswer>): BudgetAnswer {
  return {
    budgetId: 'b',
    heldUsd: 0,
    lost: false,
    limitUsd: 100,
    period: 'total',
    spentUsd: 0,
    remainingUsd: 100,
    resetsAt: null,
    ...changes,
  };
}

const waitFor = (amount: number) => ({ smallest: amount, total: amount });

describe('a budget’s lease', () => {
  it('gives out no more than it holds, and settles every cost once, whatever fails', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('hold' as const), amount: fc.integer({ min: 1, max: 20 }) }),
      fc.record({ kind: fc.constant('settle' as const), share: fc.integer({ min: 0, max: 10 }) }),
      fc.record({ kind: fc.constantFrom('exchange' as const, 'lost question' as const, 'lost answer' as const) }),
      fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 3000 }) }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 60 }), fc.array(step, { maxLength: 200 }), (limitUsd, steps) => {
        const ledger = createLedger(limitUsd);
        const lease = createBudgetLease('b', times);
        const holds: Array<{ amount: number; mark: number }> = [];
        let now = 0;
        let used = 0;
        let wanted = 0;
        const say = (closing: boolean, fate: string): void => {
          const said = lease.next(closing || wanted === 0 ? noDemand : waitFor(wanted), now, closing);
          if (said === null || fate === 'lost question') return;
          const heard = ledger.exchange(said);
          if (fate !== 'lost answer') lease.answered(heard, now);
        };
        for (const action of steps) {
          if (action.kind === 'wait') now += action.ms;
          else if (action.kind === 'hold') {
            wanted = lease.fits(action.amount, now) ? 0 : action.amount;
            if (wanted === 0) holds.push({ amount: action.amount, mark: lease.hold(action.amount, now) });
          } else if (action.kind === 'settle') {
            const hold = holds.shift();
            if (hold === undefined) continue;
            const cost = Math.floor((hold.amount * action.share) / 10);
            lease.settle(hold.mark, hold.amount, cost, now);
            used += cost;
          } else say(false, action.kind);
          const held = holds.reduce((sum, hold) => sum + hold.amount, 0);
          expect(used + held).toBeLessThanOrEqual(limitUsd);
        }
        for (const { mark, amount } of holds) lease.settle(mark, amount, 0, now);
        for (let round = 0; round < 3; round += 1) say(true, 'exchange');
        expect(ledger.spent()).toBe(used);
        expect(lease.available(now)).toBe(0);
      }),
      { numRuns: 500 },
    );
  });

  it('says the same again until it is answered', () => {
    const lease = createBudgetLease('b', times);
    expect(lease.next(waitFor(5), 0)).toMatchObject({ seq: 1, heldUsd: 0, minimumUsd: 5, waitingUsd: 5 });
    lease.answered(answer({ heldUsd: 10 }), 1);
    lease.settle(lease.hold(5, 1), 5, 3, 2);
    const first = lease.next(noDemand, 3);
    expect(first).toMatchObject({ seq: 2, settledUsd: 3, heldUsd: 10 });
    expect(lease.available(3)).toBe(7);
    lease.settle(lease.hold(2, 4), 2, 1, 5);
    expect(lease.next(noDemand, 6)).toMatchObject({ seq: 2, settledUsd: 3 });
    lease.answered(answer({ heldUsd: 7 }), 7);
    expect(lease.available(7)).toBe(6);
    expect(lease.next(noDemand, 8)).toMatchObject({ seq: 3, settledUsd: 1, heldUsd: 7 });
  });

  it('has back at once what a request did not use, others still under way', () => {
    const lease = createBudgetLease('b', times);
    lease.next(waitFor(10), 0);
    lease.answered(answer({ heldUsd: 10 }), 0);
    const [one, two] = [lease.hold(4, 1), lease.hold(6, 1)];
    expect(lease.available(1)).toBe(0);
    lease.settle(one, 4, 1, 2);
    expect(lease.available(2)).toBe(3);
    lease.settle(two, 6, 0, 3);
    expect(lease.available(3)).toBe(9);
  });

  it('asks ahead while it is used, gives back when it is idle, and renews what is held', () => {
    const lease = createBudgetLease('b', times);
    lease.next(waitFor(10), 0);
    lease.answered(answer({ heldUsd: 10 }), 0);
    const mark = lease.hold(8, 0);
    expect(lease.next(noDemand, 100)).toMatchObject({ returnedUsd: 0, aheadUsd: expect.closeTo(5.6, 0) as number });
    lease.answered(answer({ heldUsd: 15 }), 100);
    expect(lease.next(noDemand, 200)).toBeNull();
    expect(lease.next(noDemand, 501)).toMatchObject({ returnedUsd: 7, aheadUsd: 0 });
    lease.answered(answer({ heldUsd: 8 }), 501);
    expect(lease.next(noDemand, 1999)).toBeNull();
    expect(lease.next(noDemand, 2001)).toMatchObject({ heldUsd: 8, returnedUsd: 0, settledUsd: 0 });
    lease.answered(answer({ heldUsd: 8 }), 2001);
    lease.settle(mark, 8, 8, 2002);
    expect(lease.isForgettable(70_000)).toBe(false);
    lease.next(noDemand, 2003);
    lease.answered(answer({ heldUsd: 0 }), 2003);
    expect(lease.isForgettable(70_000)).toBe(true);
  });

  it('charges what a request cost beyond what was held for it', () => {
    const lease = createBudgetLease('b', times);
    lease.next(waitFor(5), 0);
    lease.answered(answer({ heldUsd: 5 }), 0);
    lease.settle(lease.hold(5, 0), 5, 7, 1);
    expect(lease.available(1)).toBe(-2);
    expect(lease.fits(1, 1)).toBe(false);
    expect(lease.next(noDemand, 2)).toMatchObject({ settledUsd: 7 });
    lease.answered(answer({ heldUsd: 0, spentUsd: 7 }), 2);
    expect(lease.available(2)).toBe(0);
  });

  it('forgets what it held when that was charged elsewhere', () => {
    const lease = createBudgetLease('b', times);
    lease.next(waitFor(5), 0);
    lease.answered(answer({ heldUsd: 5 }), 0);
    const mark = lease.hold(5, 0);
    lease.next(noDemand, 9000);
    lease.answered(answer({ heldUsd: 0, lost: true, spentUsd: 5 }), 9000);
    lease.settle(mark, 5, 5, 9001);
    expect(lease.available(9001)).toBe(0);
    expect(lease.next(noDemand, 9002)).toBeNull();
  });

  it('refuses only what was heard of just now, and nobody can give back', () => {
    const lease = createBudgetLease('b', times);
    expect(lease.refuses(1000, 0)).toBe(false);
    lease.next(waitFor(5), 0);
    lease.answered(answer({ limitUsd: 10, spentUsd: 4, remainingUsd: 1 }), 0);
    expect([lease.refuses(6, 50), lease.refuses(6.1, 50), lease.refuses(6.1, 101)]).toEqual([false, true, false]);
    expect([lease.lacks(1, 50), lease.lacks(1.1, 50)]).toEqual([false, true]);
  });

  it('holds nobody when the budget is gone', () => {
    const lease = createBudgetLease('b', times);
    lease.next(waitFor(5), 0);
    lease.removed();
    expect(lease.fits(1e6, 1)).toBe(true);
    lease.settle(lease.hold(5, 1), 5, 5, 2);
    expect(lease.next(waitFor(5), 3)).toBeNull();
  });
});
