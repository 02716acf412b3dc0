import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { migrate } from '../../src/platform/postgres/migrate.ts';
import { hasTopics } from '../../src/platform/postgres/pgmq-install.ts';
import { createPool } from '../../src/platform/postgres/pool.ts';
import { silentLogger } from '../../src/platform/telemetry/logger.ts';
import { startExercise } from '../support/exercise.ts';
import { createPlainRole, dropPlainRole, runAsSuperuser, switchTlsOn, withTls } from '../support/plain-role.ts';

const superuser = inject('templateConnectionString');
const role = `plain_${process.pid}`;
const log = silentLogger();
let folder: string;
let url: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'signalbox-tls-'));
  const certificate = await switchTlsOn(superuser, folder);
  url = withTls(await createPlainRole(superuser, role), certificate);
});
afterAll(async () => {
  await dropPlainRole(superuser, role);
  await runAsSuperuser(superuser, ['alter system reset ssl', 'select pg_reload_conf()']);
  await rm(folder, { recursive: true, force: true });
});

test('all works as a plain role that owns its database, over TLS, with a pgmq that has no topics', async () => {
  const pool = createPool({ connectionString: url, applicationName: 'test', max: 1, log });
  await migrate(pool, { log });
  // What releases before 1.11 lack.
  await pool.query('drop function pgmq.send_topic(text, jsonb), pgmq.bind_topic(text, text)');
  expect(await hasTopics(pool)).toBe(false);
  const { rows } = await pool.query(
    `select usesuper, ssl from pg_user, pg_stat_ssl where usename = current_user and pid = pg_backend_pid()`,
  );
  expect(rows).toEqual([{ usesuper: false, ssl: true }]);
  await pool.end();

  const installation = await startExercise({ DATABASE_URL: url });
  try {
    await installation.untilRecorded([await installation.ask(), await installation.ask()]);
    await installation.learn();
  } finally {
    await installation.stop();
  }
}, 60_000);

test('a server that cannot be verified is not connected to', async () => {
  const unknown = new URL(url);
  unknown.searchParams.delete('sslrootcert');
  const pool = createPool({ connectionString: unknown.href, applicationName: 'test', max: 1, log });
  await expect(pool.query('select 1')).rejects.toThrow('self-signed certificate');
  await pool.end();
});
