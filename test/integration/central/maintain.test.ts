import { afterAll, beforeAll, expect, it } from 'vitest';
import { maintainOnce } from '../../../src/central/maintain/maintenance.ts';
import { scoreUpdatesPattern, scoreUpdatesQueue } from '../../../src/contracts/event.ts';
import { bindTopic, createQueue, listQueues, queueMetrics, sendBatch } from '../../../src/platform/postgres/pgmq.ts';
import { heartbeatInstance, listInstances, registerInstance } from '../../../src/platform/store/instances.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';
import { drain, seedEvent, send } from './support.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const retention = { records_days: 30, processed_events_days: 7, audit_days: 400, instances_hours: 24 };
const dayMs = 86_400_000;
const daysAgo = (days: number): string => new Date(Date.now() - days * dayMs).toISOString();
const partitionOf = (time: string): string => `routing_records_${time.slice(0, 10).replaceAll('-', '')}`;

async function partitions(): Promise<string[]> {
  const { rows } = await database.pool.query<{ name: string }>(
    "select inhrelid::regclass::text as name from pg_inherits where inhparent = 'routing_records'::regclass",
  );
  return rows.map((row) => row.name);
}

it('removes what is no longer kept, and keeps the rest', async () => {
  const { pool } = database;
  const [old, recent] = [daysAgo(40), daysAgo(20)];
  for (const time of [old, recent])
    await pool.query('select ensure_routing_records_partition($1::date)', [time.slice(0, 10)]);
  // The two days with a partition of their own, and two others, which fall into the default one.
  const times = [old, recent, daysAgo(50), daysAgo(10)];
  await send(
    pool,
    times.map((timestamp) => ({ ...seedEvent({ outcome: 'success' }), timestamp })),
  );
  await drain(pool);
  await pool.query(
    `update processed_events set processed_at = now() - interval '8 days'
     where event_id in (select event_id from processed_events limit 3)`,
  );
  for (const queue of ['sb_scores_gone', 'sb_scores_here']) {
    await createQueue(pool, queue);
    await bindTopic(pool, scoreUpdatesPattern, queue);
    await registerInstance(pool, {
      instanceId: queue,
      service: 'router',
      version: '0',
      queueName: queue,
      address: null,
      startedAt: new Date(),
    });
  }
  await registerInstance(pool, {
    instanceId: 'queue-never-made',
    service: 'router',
    version: '0',
    queueName: 'sb_scores_never_made',
    address: null,
    startedAt: new Date(),
  });
  await pool.query(
    "update instances set last_seen_at = now() - interval '25 hours' where instance_id <> 'sb_scores_here'",
  );
  await sendBatch(
    pool,
    scoreUpdatesQueue,
    Array.from({ length: 10_050 }, (_, index) => ({ index })),
  );
  await pool.query(`drop table ${partitionOf(new Date(Date.now() + 5 * dayMs).toISOString())}`);

  expect(await maintainOnce(pool, retention)).toEqual({
    partitionsMade: 1,
    partitionsDropped: [partitionOf(old)],
    instancesRemoved: expect.arrayContaining(['sb_scores_gone', 'queue-never-made']) as string[],
    // Four more are the minutes in which the decisions were made.
    rowsDeleted: 8,
    messagesTrimmed: 50,
    more: false,
  });
  expect(await partitions()).toContain(partitionOf(recent));
  expect(await partitions()).not.toContain(partitionOf(old));
  const { rows } = await pool.query<{ timestamp: Date }>('select timestamp from routing_records order by timestamp');
  expect(rows.map((row) => row.timestamp.toISOString())).toEqual([recent, times[3]]);
  expect((await queueMetrics(pool, scoreUpdatesQueue)).length).toBe(10_000);
  expect(await listQueues(pool)).not.toContain('sb_scores_gone');
  expect((await listInstances(pool)).map((instance) => instance.instanceId)).toEqual(['sb_scores_here']);
  expect(await heartbeatInstance(pool, 'sb_scores_gone', 3)).toBe(false);
  expect(await heartbeatInstance(pool, 'sb_scores_here', 3)).toBe(true);
  expect(await listInstances(pool)).toMatchObject([{ appliedSeq: 3 }]);

  expect(await maintainOnce(pool, retention)).toMatchObject({ partitionsMade: 0, rowsDeleted: 0, messagesTrimmed: 0 });
});
