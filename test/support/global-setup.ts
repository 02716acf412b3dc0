import { access, constants, mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestProject } from 'vitest/node';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/platform/postgres/embedded.ts';
import { migrate } from '../../src/platform/postgres/migrate.ts';
import { createPool } from '../../src/platform/postgres/pool.ts';
import { createLogger } from '../../src/platform/telemetry/logger.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Of a migrated database that nobody connects to: the template of `createTestDatabase`. */
    templateConnectionString: string;
  }
}

/** One PostgreSQL for the whole run, in a folder that goes away with it. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dataDir = await mkdtemp(path.join(await quickFolder(), 'signalbox-test-'));
  const log = createLogger({ level: 'warn' });
  let postgres: EmbeddedPostgres | undefined;

  async function teardown(): Promise<void> {
    await postgres?.stop();
    await rm(dataDir, { recursive: true, force: true });
  }

  try {
    postgres = await startEmbeddedPostgres({ dataDir, log });
    const { connectionString } = postgres;
    const pool = createPool({ connectionString, applicationName: 'template', max: 1, log });
    // What a test commits need not outlast the server, whose files go away with it.
    await pool.query('alter system set synchronous_commit = off');
    await pool.query("alter system set max_wal_size = '256MB'");
    await pool.query('select pg_reload_conf()');
    await migrate(pool, { log });
    await pool.end();
    project.provide('templateConnectionString', connectionString);
  } catch (error) {
    await teardown();
    throw error;
  }
  return teardown;
}

/** Linux's file system in memory, where it has room: a database is some 600 files, and most tests have one of their own. */
async function quickFolder(): Promise<string> {
  const inMemory = '/dev/shm';
  try {
    await access(inMemory, constants.W_OK);
    const { bavail, bsize } = await statfs(inMemory);
    return bavail * bsize >= 4 * 2 ** 30 ? inMemory : tmpdir();
  } catch {
    return tmpdir();
  }
}
