import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { silentLogger } from '../../../src/platform/telemetry/logger.ts';
import { createDailySpending, type DailySpending } from '../../../src/router/shadow/daily-spending.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(() => database.pool.query('delete from shadow_spending'));

/** That of one router, from its start on. */
const purse = (maxUsd: number): DailySpending =>
  createDailySpending(() => maxUsd, { pool: database.pool, log: silentLogger() });

async function spent(): Promise<number> {
  const { rows } = await database.pool.query<{ usd: number }>('select sum(usd)::float8 as usd from shadow_spending');
  return rows[0]?.usd ?? 0;
}

it('holds no more than a day may cost, and gives back what was not used, once', async () => {
  const spending = purse(1);
  const first = await spending.hold(0.6);
  expect(await spending.hold(0.5)).toBeNull();
  await first?.settle(0.1);
  await first?.settle(0.9);
  expect(await spent()).toBe(0.1);
  expect(await spending.hold(0.9)).not.toBeNull();
  expect(await spending.hold(0.01)).toBeNull();
});

it('is one for all routers, however many ask at once', async () => {
  const holds = await Promise.all(Array.from({ length: 30 }, () => purse(1).hold(0.1)));
  expect(holds.filter((hold) => hold !== null)).toHaveLength(10);
});

it('remembers what was spent after a restart, and what was under way when the router was killed', async () => {
  const before = purse(1);
  await (await before.hold(0.5))?.settle(0.3);
  await before.hold(0.4);
  expect(await purse(1).hold(0.31)).toBeNull();
  expect(await purse(1).hold(0.3)).not.toBeNull();
});

it('counts what is unknown as dear as it could be', async () => {
  const spending = purse(1);
  await (await spending.hold(0.6))?.settle(null);
  expect(await spending.hold(0.5)).toBeNull();
});

it('begins anew each day', async () => {
  const spending = purse(1);
  await spending.hold(1);
  await database.pool.query('update shadow_spending set day = day - 1');
  expect(await spending.hold(1)).not.toBeNull();
  expect(await spending.hold(0.1)).toBeNull();
});

it('lets nothing through where nothing may be spent', async () => {
  expect(await purse(0).hold(0.001)).toBeNull();
});
