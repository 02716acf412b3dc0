import { afterEach, beforeEach, expect, it } from 'vitest';
import { createUnknownOutcomes } from '../../../src/central/maintain/unknown-outcomes.ts';
import type { RoutingEvent } from '../../../src/contracts/event.ts';
import type { Logger } from '../../../src/platform/telemetry/logger.ts';
import { silentLogger } from '../../../src/platform/telemetry/logger.ts';
import { createMetrics } from '../../../src/platform/telemetry/metrics.ts';
import { listUnknownShares, markUnknownOutcomes } from '../../../src/platform/store/decision-tallies.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';
import { countersOf, drain, eventOf, newId, seedEvent, send, total } from './support.ts';

let database: TestDatabase;
beforeEach(async () => {
  database = await createTestDatabase();
});
afterEach(() => database.drop());

const after = 900;

/** As if all that was counted so far had been counted so long ago. */
async function age(seconds: number): Promise<void> {
  await database.pool.query('update routing_records set created_at = created_at - make_interval(secs => $1)', [
    seconds,
  ]);
  await database.pool.query('update decision_tallies set minute = minute - make_interval(secs => $1)', [
    Math.ceil(seconds / 60) * 60,
  ]);
}

async function outcomes(): Promise<Record<string, number>> {
  const { rows } = await database.pool.query<{ outcome: string; count: number }>(
    'select outcome, count(*)::integer from routing_records group by 1',
  );
  return Object.fromEntries(rows.map((row) => [row.outcome, row.count]));
}

const routed = (instanceId = 'router-1'): RoutingEvent => ({
  ...eventOf(newId(), { outcome: 'routed' }),
  instance_id: instanceId,
});

it('marks decisions as unknown whose outcome does not come, and lets one that comes later count', async () => {
  const { pool } = database;
  const decisions = Array.from({ length: 25 }, () => routed());
  // The instance's clock is wrong by hours; the database's is what counts.
  const skewed = { ...routed(), timestamp: new Date(Date.now() - 7_200_000).toISOString() };
  await send(pool, [...decisions, skewed, seedEvent({ outcome: 'routed' })]);
  await drain(pool);
  expect(await markUnknownOutcomes(pool, after, 10)).toEqual([]);
  await age(after + 60);
  await send(pool, [routed()]);
  await drain(pool);

  expect(await markUnknownOutcomes(pool, after, 20)).toEqual([{ instanceId: 'router-1', count: 20, copies: 0 }]);
  expect(await markUnknownOutcomes(pool, after, 20)).toEqual([{ instanceId: 'router-1', count: 6, copies: 0 }]);
  expect(await markUnknownOutcomes(pool, after, 20)).toEqual([]);
  // The newest one has time yet, and the seed's decision has no id by which an outcome could name it.
  expect(await outcomes()).toEqual({ unknown: 26, routed: 2 });
  expect(await listUnknownShares(pool, after)).toEqual([{ instanceId: 'router-1', decisions: 26, unknown: 26 }]);
  expect(await countersOf(pool, 'gpt-4o')).toMatchObject({ routed: 28, usage: 0, failure: 0 });
  expect((await pool.query('select 1 from learner_evidence')).rowCount).toBe(0);

  const [first, second] = decisions.map((event) => event.routing_decision.decision_id ?? '');
  await send(pool, [
    eventOf(first ?? '', { outcome: 'success', response_time_ms: 9 }),
    eventOf(first ?? '', { outcome: 'failure' }),
    eventOf(second ?? '', { outcome: 'routed', propensity: 0.5 }),
  ]);
  const batches = await drain(pool);
  expect([batches[0]?.late, total(batches, 'ignored')]).toEqual([1, 1]);
  expect(await outcomes()).toEqual({ success: 1, unknown: 25, routed: 2 });
  expect(await countersOf(pool, 'gpt-4o')).toMatchObject({ routed: 28, usage: 1, success: 1, failure: 0 });
  expect(await listUnknownShares(pool, after)).toEqual([{ instanceId: 'router-1', decisions: 26, unknown: 25 }]);
  expect(await markUnknownOutcomes(pool, after, 20)).toEqual([]);
});

it('is found by two at once without either waiting or marking twice', async () => {
  const { pool } = database;
  await send(
    pool,
    Array.from({ length: 200 }, () => routed()),
  );
  await drain(pool);
  await age(after + 60);
  const marked = await Promise.all(Array.from({ length: 8 }, () => markUnknownOutcomes(pool, after, 50)));
  const rest = await markUnknownOutcomes(pool, after, 200);
  expect([...marked.flat(), ...rest].reduce((sum, { count }) => sum + count, 0)).toBe(200);
  expect(await listUnknownShares(pool, after)).toEqual([{ instanceId: 'router-1', decisions: 200, unknown: 200 }]);
});

it('warns of an instance whose outcomes are missing, and of no other', async () => {
  const { pool } = database;
  const answered = (instanceId: string, count: number): RoutingEvent[] =>
    Array.from({ length: count }, () => ({ ...eventOf(newId(), { outcome: 'success' }), instance_id: instanceId }));
  await send(pool, [
    ...answered('well', 98),
    ...Array.from({ length: 2 }, () => routed('well')),
    ...answered('ill', 90),
    ...Array.from({ length: 10 }, () => routed('ill')),
    ...Array.from({ length: 99 }, () => routed('small')),
    // Foreign instances that send their choices and nothing else.
    ...Array.from({ length: 150 }, () => seedEvent({ outcome: 'routed' })),
  ]);
  await drain(pool);
  await age(after + 60);

  const warnings: unknown[] = [];
  const log: Logger = { ...silentLogger(), warn: (details: unknown) => warnings.push(details) } as Logger;
  const metrics = createMetrics();
  const config = {
    consumer: { poll_ms: 500, batch_size: 200, visibility_s: 30, unknown_after_s: after, unknown_alarm_rate: 0.05 },
  };
  const service = createUnknownOutcomes({ config: () => config, pool, log, metrics });
  await service.start();
  await expect.poll(() => service.health?.().detail).toBe('ill: 10.0% of 100 decisions of an hour have no outcome');
  expect(service.health?.().ok).toBe(true);
  await service.stop();
  expect(warnings).toEqual([{ instance_id: 'ill', decisions: 100, unknown: 10 }]);
  const text = await metrics.text();
  expect(text).toContain('signalbox_unknown_outcome_ratio{instance_id="ill"} 0.1\n');
  expect(text).toContain('signalbox_unknown_outcome_ratio{instance_id="well"} 0.02\n');
  expect(text).toContain('signalbox_decisions_unknown_total{instance_id="ill"} 10\n');
  expect(text).not.toContain('singularity-1');
});

it('looks at the decisions that are open alone, in every partition', async () => {
  const { pool } = database;
  await pool.query('set enable_seqscan = off');
  const { rows } = await pool.query<{ 'QUERY PLAN': string }>(
    `explain select timestamp from routing_records
     where outcome = 'routed' and expects_outcome and get_byte(uuid_send(decision_id), 6) >> 4 <> 8 and created_at < now()
     order by created_at limit 10`,
  );
  const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
  expect(plan.match(/Index Scan using routing_records_\w+_created_at_idx/g)?.length).toBeGreaterThan(7);
  expect(plan).not.toContain('Sort Key: routing_records.created_at\n  ->  Seq');
});

it('misses no outcome where nobody is bound to tell it, and counts one that is told', async () => {
  const { pool } = database;
  const asked = eventOf(newId(), { outcome: 'routed', expects_outcome: false });
  await send(pool, [asked, routed()]);
  await drain(pool);
  await age(after + 60);
  expect(await markUnknownOutcomes(pool, after, 20)).toEqual([{ instanceId: 'router-1', count: 1, copies: 0 }]);
  expect(await listUnknownShares(pool, after)).toEqual([{ instanceId: 'router-1', decisions: 1, unknown: 1 }]);
  await send(pool, [eventOf(asked.routing_decision.decision_id ?? '', { outcome: 'success' })]);
  await drain(pool);
  expect(await outcomes()).toEqual({ unknown: 1, success: 1 });
});
