import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Fleet, startFleet } from './fleet.ts';
import { skewedBy } from './skewed-clock.ts';

let fleet: Fleet;
beforeAll(async () => {
  fleet = await startFleet();
});
afterAll(() => fleet.stop());

it('counts alike, whatever the clocks of the instances say', async () => {
  await Promise.all([fleet.startCentral('slow', skewedBy(-2)), fleet.startCentral('fast', skewedBy(2))]);
  const load = { decisions: 500, overMs: 500 };
  const publishers = await Promise.all(
    [-2, 0, 2].map((hours) =>
      fleet.startPublisher({ ...load, instanceId: `router${hours}`, seed: String(hours) }, skewedBy(hours)),
    ),
  );
  await Promise.all(publishers.map((publisher) => publisher.waitForExit()));
  const { events } = await fleet.expectAllCounted();
  expect(events).toBeGreaterThan(2900);
  // By the clock of those who sent them the oldest are two hours without an outcome; by the database's they are new.
  const { rows } = await fleet.pool.query<{ hours: number; unknown: number }>(
    `select round(extract(epoch from avg(timestamp - created_at)) / 3600)::int as hours,
       count(*) filter (where outcome = 'unknown')::int as unknown
     from routing_records group by instance_id order by 1`,
  );
  expect(rows).toEqual([-2, 0, 2].map((hours) => ({ hours, unknown: 0 })));
});
