import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { inject } from 'vitest';
import { createPool, type Pool } from '../../src/platform/postgres/pool.ts';
import { silentLogger } from '../../src/platform/telemetry/logger.ts';

export interface TestDatabase {
  connectionString: string;
  pool: Pool;
  /** Ends the pool, closes everybody else's connections too, and drops the database. */
  drop(): Promise<void>;
}

export interface TestDatabaseOptions {
  /** An empty database instead of a migrated one. */
  empty?: boolean;
}

/** A database of its own on the server of this test run. Make one for each test file, and drop it in `afterAll`. */
export async function createTestDatabase(options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const template = new URL(inject('templateConnectionString'));
  const name = `test_${randomBytes(8).toString('hex')}`;
  const source = (options.empty ?? false) ? 'template0' : template.pathname.slice(1);
  await administer(template, `create database ${name} template ${source}`);

  const connectionString = withDatabase(template, name);
  const pool = createPool({ connectionString, applicationName: 'test', max: 5, log: silentLogger() });
  return {
    connectionString,
    pool,
    async drop() {
      await pool.end();
      await administer(template, `drop database ${name} with (force)`);
    },
  };
}

async function administer(server: URL, statement: string): Promise<void> {
  const client = new Client({ connectionString: withDatabase(server, 'postgres') });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

function withDatabase(server: URL, database: string): string {
  const url = new URL(server);
  url.pathname = `/${database}`;
  return url.href;
}
