import type { PoolClient } from './pool.ts';

/**
 * Runs `fn` inside the transaction of `client` so that its changes are undone when it rejects, and the transaction goes
 * on. One level only.
 *
 * Throws what `fn` throws.
 */
export async function withSavepoint<T>(client: PoolClient, fn: () => Promise<T>): Promise<T> {
  await client.query('savepoint attempt');
  try {
    const value = await fn();
    await client.query('release savepoint attempt');
    return value;
  } catch (error) {
    await client.query('rollback to savepoint attempt');
    throw error;
  }
}
