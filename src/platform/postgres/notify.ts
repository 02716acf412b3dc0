import type { Executor } from './pool.ts';

/** Wakes the listeners of a channel when the transaction commits. The payload holds at most 8,000 bytes. */
export async function notify(db: Executor, channel: string, payload: string): Promise<void> {
  await db.query('select pg_notify($1, $2)', [channel, payload]);
}
