import type { Executor } from './pool.ts';

/** Milliseconds since the epoch by the database's clock, which is the same for all processes; constant in a transaction. */
export async function readDatabaseTimeMs(db: Executor): Promise<number> {
  const { rows } = await db.query<{ now_ms: number }>('select (extract(epoch from now()) * 1000)::float8 as now_ms');
  return rows[0]?.now_ms ?? Date.now();
}
