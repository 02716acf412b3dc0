import { Pool, type PoolClient, type QueryConfig, type QueryResult, type QueryResultRow } from 'pg';
import type { Logger } from '../telemetry/logger.ts';

export type { Pool, PoolClient };

/** What the functions of the store take first: a pool, or a client inside a transaction. */
export interface Executor {
  query<R extends QueryResultRow>(text: string | QueryConfig, values?: unknown[]): Promise<QueryResult<R>>;
}

export interface PoolOptions {
  connectionString: string;
  /** Shown in `pg_stat_activity`. */
  applicationName: string;
  /** Most connections at once. */
  max: number;
  log: Logger;
  /** Longest that one statement may run. */
  statementTimeoutMs?: number;
}

/** A pool that outlives the server's restarts. It connects when first used; `end` it. */
export function createPool(options: PoolOptions): Pool {
  const { connectionString, applicationName, max, log, statementTimeoutMs = 30_000 } = options;
  const pool = new Pool({
    connectionString,
    application_name: applicationName,
    max,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 60_000,
    statement_timeout: statementTimeoutMs,
    // A client that lost its way inside a transaction must not hold locks for ever.
    idle_in_transaction_session_timeout: 60_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  });
  pool.on('error', (error) => {
    // Connections that the server closes after `end` are on their way out anyway.
    if (!pool.ending) log.warn({ err: error, pool: applicationName }, 'an idle database connection was lost');
  });
  // The pool listens to idle clients only. One that loses its connection while it is checked out, between two queries
  // of a transaction, would end the process; whoever has it sees the failure at the next query.
  pool.on('connect', (client) => {
    client.on('error', (error) => {
      log.debug({ err: error, pool: applicationName }, 'a database connection was lost');
    });
  });
  return pool;
}

/**
 * Runs `fn` in a transaction: committed when it resolves, rolled back when it rejects. A connection whose state is
 * unknown is closed instead of reused.
 *
 * Throws what `fn` throws, and an error when the transaction had failed inside although `fn` resolved.
 */
export async function withTransaction<T>(pool: Pool, fn: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken = false;
  try {
    await client.query('begin');
    const value = await fn(client);
    const { command } = await client.query('commit');
    // PostgreSQL answers the commit of a failed transaction with a rollback, and without an error.
    if (command !== 'COMMIT') throw new Error('the transaction had failed and was rolled back');
    return value;
  } catch (error) {
    await client.query('rollback').catch(() => {
      broken = true;
    });
    throw error;
  } finally {
    client.release(broken);
  }
}
