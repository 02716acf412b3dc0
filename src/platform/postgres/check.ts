import { Client } from 'pg';
import { pendingMigrations } from './migrate.ts';
import { findPgmq, hasTopics } from './pgmq-install.ts';

/** What a look at a database finds; nothing is changed. */
export interface DatabaseReport {
  serverVersion: string;
  /** Null where pgmq is not installed. */
  pgmq: { version: string; topics: boolean } | null;
  pendingMigrations: string[];
  /** The database's clock minus this machine's, in milliseconds, to within the round trip. */
  clockOffsetMs: number;
}

const connectTimeoutMs = 5000;

/** @throws the driver's error when the database cannot be reached. */
export async function checkDatabase(connectionString: string): Promise<DatabaseReport> {
  const client = new Client({
    connectionString,
    application_name: 'signalbox doctor',
    connectionTimeoutMillis: connectTimeoutMs,
    statement_timeout: connectTimeoutMs,
  });
  // A connection that is lost later shows in the query that needed it.
  client.on('error', () => undefined);
  await client.connect();
  try {
    const { rows } = await client.query<{ version: string; now: Date }>(
      "select current_setting('server_version') as version, clock_timestamp() as now",
    );
    const clockOffsetMs = (rows[0]?.now.getTime() ?? Date.now()) - Date.now();
    const pgmq = await findPgmq(client);
    return {
      serverVersion: rows[0]?.version ?? 'unknown',
      pgmq:
        pgmq === undefined ? null : { version: pgmq.version ?? 'of unknown version', topics: await hasTopics(client) },
      pendingMigrations: await pendingMigrations(client),
      clockOffsetMs,
    };
  } finally {
    await client.end();
  }
}
