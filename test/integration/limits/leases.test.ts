import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { uuidv7 } from '../../../src/platform/core/ids.ts';
import {
  type BudgetAnswer,
  type BudgetExchange,
  exchangeBudgetLeases,
  forfeitExpiredLeases,
  pruneBudgetLeases,
} from '../../../src/platform/store/budget-leases.ts';
import { setLimits } from '../../../src/platform/store/limits.ts';
import { exchangeRateLimits, type RateExchange } from '../../../src/platform/store/rate-limits.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';
import { budgetOf, makeKey, makeTeam } from './support.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

interface Holder {
  say(budgetId: string, said: Partial<BudgetExchange>, leaseMs?: number): Promise<BudgetAnswer>;
}

/** An instance that says whatever it is told to. */
function aHolder(): Holder {
  const holder = uuidv7();
  let seq = 0;
  return {
    async say(budgetId, said, leaseMs = 60_000) {
      seq += 1;
      const whole = {
        seq,
        heldUsd: 0,
        settledUsd: 0,
        returnedUsd: 0,
        minimumUsd: 0,
        waitingUsd: 0,
        aheadUsd: 0,
        ...said,
      };
      const [answer] = await exchangeBudgetLeases(database.pool, { holder, instanceId: 'one', leaseMs }, [
        { budgetId, ...whole },
      ]);
      if (answer === undefined) throw new Error('no such budget');
      return answer;
    },
  };
}

async function aBudget(
  limitUsd: number,
  period: 'total' | 'day' = 'total',
): Promise<{ keyId: string; budgetId: string }> {
  const { keyId } = await makeKey(database.pool, { budget: { limit_usd: limitUsd, period } });
  const { rows } = await database.pool.query<{ id: string }>('select budget_id as id from budgets where key_id = $1', [
    keyId,
  ]);
  return { keyId, budgetId: rows[0]?.id ?? '' };
}

const all = (usd: number): Partial<BudgetExchange> => ({ minimumUsd: usd, waitingUsd: usd });

describe('a lease', () => {
  it('grants what is there, and nothing where that would not help', async () => {
    const { budgetId } = await aBudget(10);
    const [one, other] = [aHolder(), aHolder()];
    expect(await one.say(budgetId, all(6))).toMatchObject({ heldUsd: 6, remainingUsd: 4 });
    expect(await other.say(budgetId, all(5))).toMatchObject({ heldUsd: 0, remainingUsd: 4 });
    expect(await other.say(budgetId, { minimumUsd: 3, waitingUsd: 9 })).toMatchObject({ heldUsd: 4, remainingUsd: 0 });
    expect(await one.say(budgetId, { returnedUsd: 2 })).toMatchObject({ heldUsd: 4, remainingUsd: 2 });
    // In advance only a fair part of what is left.
    expect(await other.say(budgetId, { aheadUsd: 2 })).toMatchObject({ heldUsd: 4.5, remainingUsd: 1.5 });
  });

  it('counts an exchange once, however often it is said', async () => {
    const { keyId, budgetId } = await aBudget(10);
    const one = aHolder();
    await one.say(budgetId, { ...all(6), seq: 1 });
    for (let round = 0; round < 3; round += 1) {
      expect(await one.say(budgetId, { seq: 2, heldUsd: 6, settledUsd: 1.5, returnedUsd: 0.5 })).toMatchObject({
        heldUsd: 4,
        spentUsd: 1.5,
      });
    }
    expect(await budgetOf(database.pool, keyId)).toEqual({
      limit: 10,
      spent: 1.5,
      leased: 4,
      granted: 4,
      forfeited: 0,
    });
  });

  it('charges what cost more than was held, also beyond the limit', async () => {
    const { keyId, budgetId } = await aBudget(1);
    const one = aHolder();
    await one.say(budgetId, all(1));
    expect(await one.say(budgetId, { heldUsd: 1, settledUsd: 1.25 })).toMatchObject({ heldUsd: 0, remainingUsd: 0 });
    expect(await budgetOf(database.pool, keyId)).toMatchObject({ spent: 1.25, leased: 0 });
  });

  it('is granted to fifty at once only as far as the budget goes', async () => {
    const { keyId, budgetId } = await aBudget(1);
    const answers = await Promise.all(Array.from({ length: 50 }, () => aHolder().say(budgetId, all(0.03))));
    expect(answers.filter((answer) => answer.heldUsd > 0)).toHaveLength(33);
    const { leased, granted } = await budgetOf(database.pool, keyId);
    expect(leased).toBeCloseTo(0.99, 12);
    expect(granted).toBeCloseTo(0.99, 12);
  });

  it('takes many budgets at once, in whatever order they are named, without waiting in a circle', async () => {
    const budgets = await Promise.all(Array.from({ length: 20 }, () => aBudget(1)));
    const ids = budgets.map((budget) => budget.budgetId);
    await Promise.all(
      Array.from({ length: 20 }, (_, index) => {
        const named = index % 2 === 0 ? ids : ids.toReversed();
        return exchangeBudgetLeases(
          database.pool,
          { holder: uuidv7(), instanceId: 'one', leaseMs: 60_000 },
          named.map((budgetId) => ({
            budgetId,
            seq: 1,
            heldUsd: 0,
            settledUsd: 0.01,
            returnedUsd: 0,
            minimumUsd: 0.01,
            waitingUsd: 0.01,
            aheadUsd: 0,
          })),
        );
      }),
    );
    for (const { keyId } of budgets) {
      const { spent, leased } = await budgetOf(database.pool, keyId);
      expect([spent, leased]).toEqual([0.2, 0.2]);
    }
  });
});

describe('a lease that expired', () => {
  const forfeit = () => forfeitExpiredLeases(database.pool, 100);
  const past = -1000;

  it('comes back to its holder, and settles what was spent of it', async () => {
    const { keyId, budgetId } = await aBudget(10);
    const one = aHolder();
    await one.say(budgetId, all(6), past);
    expect(await Promise.all([forfeit(), forfeit()])).toEqual(
      expect.arrayContaining([
        { leases: 1, usd: 6 },
        { leases: 0, usd: 0 },
      ]),
    );
    expect(await budgetOf(database.pool, keyId)).toMatchObject({ spent: 6, leased: 0, forfeited: 6 });
    expect(await one.say(budgetId, { heldUsd: 6, settledUsd: 2, returnedUsd: 1 })).toMatchObject({
      heldUsd: 3,
      lost: false,
      spentUsd: 2,
    });
    expect(await budgetOf(database.pool, keyId)).toMatchObject({ spent: 2, leased: 3, granted: 3, forfeited: 0 });
  });

  it('is lost when its period is over: that period has paid for it', async () => {
    const { keyId, budgetId } = await aBudget(10, 'day');
    const one = aHolder();
    await one.say(budgetId, all(6), past);
    await forfeit();
    await database.pool.query(
      "update budgets set period_started_at = period_started_at - interval '2 days' where key_id = $1",
      [keyId],
    );
    await database.pool.query(
      "update budget_leases set forfeited_period = forfeited_period - interval '2 days' where budget_id = $1",
      [budgetId],
    );
    const heard = await one.say(budgetId, { heldUsd: 6, settledUsd: 2, ...all(1) });
    expect(heard).toMatchObject({ lost: true, heldUsd: 0, spentUsd: 0, remainingUsd: 10 });
    expect(await budgetOf(database.pool, keyId)).toMatchObject({ spent: 0, leased: 0, granted: 0, forfeited: 0 });
    expect(await one.say(budgetId, all(1))).toMatchObject({ lost: false, heldUsd: 1 });
  });

  it('is deleted when it holds nothing any more', async () => {
    const { keyId, budgetId } = await aBudget(10);
    await aHolder().say(budgetId, all(6), past);
    expect(await pruneBudgetLeases(database.pool, 100)).toBe(0);
    await forfeit();
    await database.pool.query("update budget_leases set expires_at = now() - interval '2 days' where budget_id = $1", [
      budgetId,
    ]);
    expect(await pruneBudgetLeases(database.pool, 100)).toBe(1);
    expect(await budgetOf(database.pool, keyId)).toMatchObject({ spent: 6, leased: 0, forfeited: 6 });
  });
});

describe('an operator', () => {
  it('changes the limit and keeps what was spent, or the period and begins anew', async () => {
    const { keyId, budgetId } = await aBudget(10);
    const one = aHolder();
    await one.say(budgetId, all(6));
    await one.say(budgetId, { heldUsd: 6, settledUsd: 4 });
    const owner = { scope: 'key', id: keyId } as const;
    await setLimits(database.pool, owner, { budget: { limit_usd: 5, period: 'total' } });
    expect(await budgetOf(database.pool, keyId)).toMatchObject({ limit: 5, spent: 4, leased: 2 });
    expect(await aHolder().say(budgetId, all(1))).toMatchObject({ heldUsd: 0, remainingUsd: 0 });
    await setLimits(database.pool, owner, { budget: { limit_usd: 5, period: 'week' } });
    expect(await budgetOf(database.pool, keyId)).toMatchObject({ limit: 5, spent: 0, leased: 2 });
    await setLimits(database.pool, owner, { budget: null });
    await expect(one.say(budgetId, { heldUsd: 2 })).rejects.toThrow('no such budget');
  });
});

describe('a share of a rate', () => {
  it('is of one window: the next begins with nothing used, and takes nothing back', async () => {
    const teamId = await makeTeam(database.pool, { requests_per_minute: 10 });
    const { rows } = await database.pool.query<{ id: string }>(
      'select rate_limit_id as id from rate_limits where team_id = $1',
      [teamId],
    );
    const rateLimitId = rows[0]?.id ?? '';
    const none: RateExchange = { rateLimitId, window: null, returned: 0, minimum: 0, waiting: 0, ahead: 0 };
    const say = async (said: Partial<RateExchange>) =>
      (await exchangeRateLimits(database.pool, [{ ...none, ...said }]))[0];
    const first = await say({ minimum: 1, waiting: 8 });
    expect(first).toMatchObject({ granted: 8, perMinute: 10, used: 8 });
    expect(first?.endsInMs).toBeLessThanOrEqual(60_000);
    expect(await say({ minimum: 3, waiting: 3 })).toMatchObject({ granted: 0, used: 8 });
    await database.pool.query(
      "update rate_limits set window_started_at = window_started_at - interval '1 minute' where team_id = $1",
      [teamId],
    );
    const oldWindow = new Date((first?.window.getTime() ?? 0) - 60_000);
    expect(await say({ minimum: 3, waiting: 3, window: oldWindow, returned: 5 })).toMatchObject({
      granted: 3,
      used: 3,
    });
  });
});
