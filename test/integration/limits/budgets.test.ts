import { randomInt } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Service } from '../../../src/platform/core/service.ts';
import { SignalboxError } from '../../../src/platform/core/errors.ts';
import { forfeitExpiredLeases } from '../../../src/platform/store/budget-leases.ts';
import type { Admission } from '../../../src/router/admission/admission.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';
import { budgetOf, callerOf, makeKey, makeTeam, noSignal, pause, startAdmission } from './support.ts';

let database: TestDatabase;
const running: Array<Admission & Service> = [];
beforeAll(async () => {
  database = await createTestDatabase();
});
afterEach(async () => {
  for (const admission of running.splice(0)) await admission.stop();
});
afterAll(() => database.drop());

async function start(limits: Record<string, number> = {}): Promise<Admission & Service> {
  const admission = await startAdmission(database, limits);
  running.push(admission);
  return admission;
}

/** Random costs of whole micro-dollars up to so many. */
const randomUsd = (most: number): number => randomInt(1, most + 1) / 1e6;
const refusalOf = async (attempt: () => unknown): Promise<SignalboxError> => {
  try {
    await attempt();
  } catch (error) {
    if (error instanceof SignalboxError) return error;
    throw error;
  }
  throw new Error('was not refused');
};
const need = (costUsd: number) => ({ inputTokens: 10, outputTokens: 10, costUsd });

describe('64 clients on two instances', () => {
  it.each([
    { keyUsd: 0.05, teamUsd: 1, tight: 'key' as const },
    { keyUsd: 1, teamUsd: 0.05, tight: 'team' as const },
  ])('never pass the budget of the $tight, and all that they settle is spent', async ({ keyUsd, teamUsd, tight }) => {
    const { pool } = database;
    const teamId = await makeTeam(pool, { budget: { limit_usd: teamUsd, period: 'month' } });
    const { keyId, key } = await makeKey(pool, { budget: { limit_usd: keyUsd, period: 'total' } }, teamId);
    const instances = [await start(), await start()];
    const limit = Math.min(keyUsd, teamUsd);
    let settled = 0;
    let held = 0;
    let mostHeld = 0;
    let admitted = 0;
    const refusals: SignalboxError[] = [];

    async function client(index: number): Promise<void> {
      const admission = instances[index % 2];
      if (admission === undefined) throw new Error('no instance');
      const caller = callerOf(admission, key);
      while (refusals.length < 64) {
        const costUsd = randomUsd(300);
        let reservation;
        try {
          reservation = await admission.reserve(caller, need(costUsd), noSignal);
        } catch (error) {
          refusals.push(error as SignalboxError);
          return;
        }
        admitted += 1;
        held += costUsd;
        mostHeld = Math.max(mostHeld, settled + held);
        if (randomInt(2) === 0) await pause(randomInt(5));
        const used = randomInt(10) === 0 ? null : costUsd * (randomInt(1, 11) / 10);
        held -= costUsd;
        settled += used ?? 0;
        reservation.settle(used === null ? null : { inputTokens: 1, outputTokens: 1, costUsd: used });
        reservation.settle({ inputTokens: 1, outputTokens: 1, costUsd: 1 });
      }
    }

    const clients = Promise.all(Array.from({ length: 64 }, (_, index) => client(index)));
    const over = new AbortController();
    const watch = (async () => {
      while (!over.signal.aborted) {
        for (const owner of [keyId, teamId]) {
          const budget = await budgetOf(pool, owner);
          expect(budget.spent + budget.leased).toBeLessThanOrEqual(budget.limit + 1e-12);
          expect(budget.leased).toBeCloseTo(budget.granted, 12);
        }
        await pause(5);
      }
    })();
    await clients;
    over.abort();
    await watch;
    expect(mostHeld).toBeLessThanOrEqual(limit + 1e-12);
    expect(settled).toBeGreaterThan(limit - 0.001);
    expect(admitted).toBeGreaterThan(100);
    expect(refusals.map((refusal) => refusal.code)).toEqual(Array.from({ length: 64 }, () => 'budget_exceeded'));
    expect(refusals.every((refusal) => refusal.message.startsWith(`the budget of the ${tight}`))).toBe(true);

    for (const admission of running.splice(0)) await admission.stop();
    for (const owner of [keyId, teamId]) {
      const budget = await budgetOf(pool, owner);
      expect(Math.abs(budget.spent - settled)).toBeLessThan(1e-9);
      expect(budget).toMatchObject({ leased: 0, granted: 0, forfeited: 0 });
    }
  });
});

describe('a refusal', () => {
  it('says whose budget, how much, and when it resets', async () => {
    const { key } = await makeKey(database.pool, { budget: { limit_usd: 0.01, period: 'day' } });
    const admission = await start();
    const refusal = await refusalOf(() => admission.reserve(callerOf(admission, key), need(0.02), noSignal));
    expect(refusal).toMatchObject({ code: 'budget_exceeded', status: 402, type: 'insufficient_quota' });
    const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
    expect(refusal.message).toBe(
      'the budget of the key is 0.01 USD a day and 0 USD is spent; the request may cost 0.02 USD; ' +
        `it resets at ${tomorrow}T00:00:00.000Z`,
    );
  });

  it('is given where no price is known', async () => {
    const { key } = await makeKey(database.pool, { budget: { limit_usd: 1, period: 'total' } });
    const admission = await start();
    const caller = callerOf(admission, key);
    expect(caller.hasBudget).toBe(true);
    const refusal = await refusalOf(() =>
      admission.reserve(caller, { inputTokens: 1, outputTokens: 1, costUsd: null }, noSignal),
    );
    expect(refusal.code).toBe('price_unknown');
  });

  it('comes late where requests under way hold the rest, and not at all where they give it back', async () => {
    const { key } = await makeKey(database.pool, { budget: { limit_usd: 1, period: 'total' } });
    const [one, other] = [await start({ wait_ms: 1500 }), await start({ wait_ms: 300 })];
    const first = await one.reserve(callerOf(one, key), need(0.9), noSignal);
    const refusal = await refusalOf(() => other.reserve(callerOf(other, key), need(0.5), noSignal));
    expect(refusal.message).toMatch(/, 0\.9\d* USD of the rest is held for requests under way;/);
    const second = one.reserve(callerOf(one, key), need(0.5), noSignal);
    expect(second).toBeInstanceOf(Promise);
    first.settle({ inputTokens: 1, outputTokens: 1, costUsd: 0.4 });
    (await second).settle({ inputTokens: 1, outputTokens: 1, costUsd: null });
    await expect.poll(() => other.reserve(callerOf(other, key), need(0.1), noSignal)).toBeDefined();
  });
});

describe('an instance that is killed', () => {
  it('loses what it held when its lease expires, and what others may spend stays within the limit', async () => {
    const { pool } = database;
    const { keyId, key } = await makeKey(pool, { budget: { limit_usd: 1, period: 'total' } });
    // Never stopped; long intervals keep it from saying anything further, as one that is dead.
    const dead = await startAdmission(database, { lease_ms: 1000, flush_ms: 600_000 });
    await dead.reserve(callerOf(dead, key), need(0.3), noSignal);
    expect((await budgetOf(pool, keyId)).leased).toBeGreaterThanOrEqual(0.3);
    expect(await forfeitExpiredLeases(pool, 100)).toEqual({ leases: 0, usd: 0 });
    await pause(1100);
    const forfeited = await forfeitExpiredLeases(pool, 100);
    expect(forfeited.leases).toBe(1);
    expect(forfeited.usd).toBeGreaterThanOrEqual(0.3);
    expect(await budgetOf(pool, keyId)).toMatchObject({ leased: 0, spent: forfeited.usd, forfeited: forfeited.usd });
    const alive = await start();
    const refusal = await refusalOf(() => alive.reserve(callerOf(alive, key), need(0.75), noSignal));
    expect(refusal.code).toBe('budget_exceeded');
    // It was not dead after all: it comes back, and with it what it did not spend.
    await dead.stop();
    expect(await budgetOf(pool, keyId)).toMatchObject({ leased: 0.3, spent: 0, forfeited: 0 });
    expect(await alive.reserve(callerOf(alive, key), need(0.6), noSignal)).toBeDefined();
  });
});

describe('a period', () => {
  it('that is over begins anew with the next request', async () => {
    const { pool } = database;
    const { keyId, key } = await makeKey(pool, { budget: { limit_usd: 1, period: 'month' } });
    const admission = await start();
    const caller = callerOf(admission, key);
    const used = await admission.reserve(caller, need(0.9), noSignal);
    used.settle({ inputTokens: 1, outputTokens: 1, costUsd: 0.9 });
    await expect.poll(async () => (await budgetOf(pool, keyId)).spent).toBe(0.9);
    expect((await refusalOf(() => admission.reserve(caller, need(0.9), noSignal))).code).toBe('budget_exceeded');
    await pool.query("update budgets set period_started_at = now() - interval '32 days' where key_id = $1", [keyId]);
    await pause(150);
    const again = await admission.reserve(caller, need(0.9), noSignal);
    expect(await budgetOf(pool, keyId)).toMatchObject({ spent: 0 });
    again.settle(null);
  });
});
