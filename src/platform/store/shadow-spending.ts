import type { Executor } from '../postgres/pool.ts';

/**
 * Adds `usd` to what copies have cost today, of UTC, by the clock of the database, where the sum is then no more than `maxUsd`;
 * of any number of routers that do so at once, none goes beyond it. Answers the day, as `2026-11-21`; null where the rest of
 * the day is less, and nothing is added then.
 */
export async function addShadowSpending(db: Executor, usd: number, maxUsd: number): Promise<string | null> {
  const { rows } = await db.query<{ day: string }>(
    `insert into shadow_spending as spending (day, usd)
     select (now() at time zone 'utc')::date, $1::numeric where $1::numeric <= $2::numeric
     on conflict (day) do update set usd = spending.usd + excluded.usd where spending.usd + excluded.usd <= $2::numeric
     returning day::text`,
    [usd, maxUsd],
  );
  return rows[0]?.day ?? null;
}

/** Puts `usedUsd` in the place of `heldUsd`, which `addShadowSpending` had added to that day. */
export async function settleShadowSpending(db: Executor, day: string, heldUsd: number, usedUsd: number): Promise<void> {
  await db.query('update shadow_spending set usd = usd - $2::numeric + $3::numeric where day = $1', [
    day,
    heldUsd,
    usedUsd,
  ]);
}
