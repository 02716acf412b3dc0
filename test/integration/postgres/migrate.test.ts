import { afterEach, describe, expect, it } from 'vitest';
import { StartupError } from '../../../src/platform/core/errors.ts';
import { migrate, pendingMigrations } from '../../../src/platform/postgres/migrate.ts';
import { findPgmq, installPgmq } from '../../../src/platform/postgres/pgmq-install.ts';
import { listQueues } from '../../../src/platform/postgres/pgmq.ts';
import { createPool } from '../../../src/platform/postgres/pool.ts';
import { silentLogger } from '../../../src/platform/telemetry/logger.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';

const log = silentLogger();
let database: TestDatabase | undefined;

async function emptyDatabase(): Promise<TestDatabase> {
  database = await createTestDatabase({ empty: true });
  return database;
}

afterEach(async () => {
  await database?.drop();
  database = undefined;
});

describe('migrate', () => {
  it('is applied once when several instances start at once on an empty database', async () => {
    const { pool, connectionString } = await emptyDatabase();
    const all = await pendingMigrations(pool);
    expect(all[0]).toBe('000001_catalogue');
    const pools = Array.from({ length: 4 }, (_, index) =>
      createPool({ connectionString, applicationName: `instance ${index}`, max: 2, log }),
    );

    const results = await Promise.all(pools.map((one) => migrate(one, { log })));
    await Promise.all(pools.map((one) => one.end()));

    expect(results.flatMap((result) => result.applied).toSorted((a, b) => a.localeCompare(b))).toEqual(all);
    expect(new Set(results.map((result) => result.version))).toEqual(new Set([Number.parseInt(all.at(-1) ?? '', 10)]));
    expect(await pendingMigrations(pool)).toEqual([]);
    expect(await listQueues(pool)).toEqual([
      'model_routing_decisions',
      'model_routing_decisions_dlq',
      'model_score_updates',
    ]);
  });

  it('changes nothing the second time', async () => {
    const { pool } = await emptyDatabase();
    const first = await migrate(pool, { log });
    const before = await pool.query('select * from signalbox_migrations order by version');

    expect(await migrate(pool, { log })).toEqual({ applied: [], version: first.version });
    const after = await pool.query('select * from signalbox_migrations order by version');
    expect(after.rows).toEqual(before.rows);
  });

  it('refuses a database to which another text of a migration was applied', async () => {
    const { pool } = await emptyDatabase();
    await migrate(pool, { log });
    await pool.query("update signalbox_migrations set checksum = 'other' where version = 2");

    const refusal = migrate(pool, { log });
    await expect(refusal).rejects.toThrow(StartupError);
    await expect(refusal).rejects.toThrow(/^migration 000002_decisions is not the one that was applied/);
  });

  it('goes on with a database that is newer', async () => {
    const { pool } = await emptyDatabase();
    const { version } = await migrate(pool, { log });
    await pool.query("insert into signalbox_migrations (version, name, checksum) values (999999, 'later', 'x')");

    expect(await migrate(pool, { log })).toEqual({ applied: [], version: 999_999 });
    expect(version).toBeLessThan(999_999);
  });

  it('leaves nothing of a migration that fails', async () => {
    const { pool } = await emptyDatabase();
    // In the way of a statement in the middle of the second migration.
    await pool.query('create table processed_events (something text)');

    await expect(migrate(pool, { log })).rejects.toThrow(
      'migration 000002_decisions failed: relation "processed_events" already exists',
    );
    const { rows } = await pool.query<{ name: string }>('select name from signalbox_migrations');
    expect(rows).toEqual([{ name: '000001_catalogue' }]);
    const { rows: leftover } = await pool.query("select to_regclass('routing_records') as leftover");
    expect(leftover).toEqual([{ leftover: null }]);

    await pool.query('drop table processed_events');
    expect((await migrate(pool, { log })).applied[0]).toBe('000002_decisions');
  });
});

describe('installPgmq', () => {
  it('applies the packaged release once and remembers how', async () => {
    const { pool } = await emptyDatabase();
    expect(await findPgmq(pool)).toBeUndefined();

    const installed = { kind: 'sql', version: '1.11.1' };
    expect(await installPgmq(pool)).toEqual(installed);
    expect(await installPgmq(pool)).toEqual(installed);
    expect(await findPgmq(pool)).toEqual(installed);
  });
});
