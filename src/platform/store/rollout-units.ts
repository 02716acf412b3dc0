import type { Executor } from '../postgres/pool.ts';

/** A conversation of which a test of a rollout has counted a bad event. */
export interface RolloutUnit {
  test: string;
  unit: string;
}

/** Of these conversations those that were counted, by each test that did. */
export async function findRolloutUnits(
  db: Executor,
  rolloutId: string,
  units: readonly string[],
): Promise<RolloutUnit[]> {
  if (units.length === 0) return [];
  const { rows } = await db.query<RolloutUnit>(
    `select test, unit from rollout_units where rollout_id = $1 and unit = any($2::text[])`,
    [rolloutId, units],
  );
  return rows;
}

/** Remembers them for good. */
export async function insertRolloutUnits(
  db: Executor,
  rolloutId: string,
  counted: readonly RolloutUnit[],
): Promise<void> {
  if (counted.length === 0) return;
  await db.query(
    `insert into rollout_units (rollout_id, test, unit)
     select $1, * from unnest($2::text[], $3::text[]) on conflict do nothing`,
    [rolloutId, counted.map(({ test }) => test), counted.map(({ unit }) => unit)],
  );
}
