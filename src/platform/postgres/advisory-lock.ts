import { type Pool, type PoolClient, withTransaction } from './pool.ts';

/**
 * Runs `fn` in a transaction that holds the lock of that name, or not at all when another session of any process has
 * it. The lock ends with the transaction, also when this process is killed.
 */
export function tryWithAdvisoryLock<T>(
  pool: Pool,
  name: string,
  fn: (client: PoolClient) => Promise<T>,
): Promise<{ ran: true; value: T } | { ran: false }> {
  return withTransaction(pool, async (client) => {
    const { rows } = await client.query<{ locked: boolean }>(
      'select pg_try_advisory_xact_lock(hashtextextended($1, 0)) as locked',
      [`signalbox:${name}`],
    );
    if (rows[0]?.locked !== true) return { ran: false };
    return { ran: true, value: await fn(client) };
  });
}

/** As `tryWithAdvisoryLock`, after whoever has the lock. Waits as long as a statement may run. */
export function withAdvisoryLock<T>(pool: Pool, name: string, fn: (client: PoolClient) => Promise<T>): Promise<T> {
  return withTransaction(pool, async (client) => {
    await client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`signalbox:${name}`]);
    return fn(client);
  });
}
