import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { tryWithAdvisoryLock } from '../../../src/platform/postgres/advisory-lock.ts';
import { createListener } from '../../../src/platform/postgres/listen.ts';
import { withTransaction } from '../../../src/platform/postgres/pool.ts';
import { isRetryable, isUnavailable } from '../../../src/platform/postgres/retryable.ts';
import { silentLogger } from '../../../src/platform/telemetry/logger.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';

const patience = { timeout: 15_000 };
let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

describe('createListener', () => {
  it('hears notifications, also after its connection was cut', async () => {
    const { pool, connectionString } = database;
    const heard: string[] = [];
    const listener = createListener({
      connectionString,
      channels: ['First-channel', 'second'],
      onNotify(channel, payload) {
        heard.push(`${channel}:${payload}`);
        if (payload === 'bad') throw new Error('a handler that fails');
      },
      log: silentLogger(),
    });
    const backend =
      "from pg_stat_activity where datname = current_database() and application_name = 'signalbox listener'";

    await listener.start();
    expect(heard).toEqual(['First-channel:', 'second:']);
    await pool.query(
      "select pg_notify('First-channel', 'bad'), pg_notify('second', 'two'), pg_notify('third', 'three')",
    );
    await vi.waitFor(() => expect(heard.slice(2)).toEqual(['First-channel:bad', 'second:two']), patience);

    heard.length = 0;
    await pool.query(`select pg_terminate_backend(pid) ${backend}`);
    await vi.waitFor(() => expect(heard).toEqual(['First-channel:', 'second:']), patience);
    await pool.query("select pg_notify('second', 'again')");
    await vi.waitFor(() => expect(heard[2]).toBe('second:again'), patience);

    await listener.stop();
    await vi.waitFor(async () => expect((await pool.query(`select 1 ${backend}`)).rowCount).toBe(0), patience);
  });

  it('starts and stops without a server', async () => {
    const listener = createListener({
      connectionString: 'postgres://nobody@127.0.0.1:1/nothing?sslmode=disable',
      channels: ['any'],
      onNotify: () => undefined,
      log: silentLogger(),
    });
    await listener.start();
    expect(listener.health?.().ok).toBe(false);
    await listener.stop();
  });
});

describe('tryWithAdvisoryLock', () => {
  it('runs one of those that share a name, and the next one afterwards', async () => {
    const { pool } = database;
    const inside = await tryWithAdvisoryLock(pool, 'learner', async () => {
      const same = await tryWithAdvisoryLock(pool, 'learner', () => Promise.resolve('same'));
      const other = await tryWithAdvisoryLock(pool, 'retention', () => Promise.resolve('other'));
      return { same, other };
    });
    expect(inside).toEqual({ ran: true, value: { same: { ran: false }, other: { ran: true, value: 'other' } } });

    await expect(tryWithAdvisoryLock(pool, 'learner', () => Promise.reject(new Error('failed')))).rejects.toThrow(
      'failed',
    );
    expect(await tryWithAdvisoryLock(pool, 'learner', () => Promise.resolve(1))).toEqual({ ran: true, value: 1 });
  });
});

describe('withTransaction', () => {
  it('keeps all or nothing', async () => {
    const { pool } = database;
    await pool.query('create table kept (number integer primary key)');
    const failing = withTransaction(pool, async (client) => {
      await client.query('insert into kept values (1)');
      await client.query('insert into kept values (1)');
    });
    await expect(failing).rejects.toMatchObject({ code: '23505' });

    const swallowing = withTransaction(pool, async (client) => {
      await client.query('insert into kept values (2)');
      await client.query('not sql').catch(() => undefined);
    });
    await expect(swallowing).rejects.toThrow('rolled back');

    const leaving = withTransaction(pool, async (client) => {
      await client.query('insert into kept values (4)');
      throw new Error('changed its mind');
    });
    await expect(leaving).rejects.toThrow('changed its mind');

    await withTransaction(pool, (client) => client.query('insert into kept values (3)'));
    expect((await pool.query('select number from kept')).rows).toEqual([{ number: 3 }]);
    const open =
      "select 1 from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'";
    expect((await pool.query(open)).rowCount).toBe(0);
  });

  it('survives losing its connection between two queries, and does not reuse it', async () => {
    const { pool } = database;
    const cut = await withTransaction(pool, async (client) => {
      const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
      const gone = new Promise((resolve) => client.once('end', () => resolve(undefined)));
      await pool.query('select pg_terminate_backend($1)', [rows[0]?.pid]);
      await gone;
      await client.query('select 1');
    }).catch((error: unknown) => error);

    expect(isUnavailable(cut)).toBe(true);
    expect(isRetryable(cut)).toBe(true);
    await withTransaction(pool, (client) => client.query('select 1'));
  });
});
