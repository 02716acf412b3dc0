import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { purge, surveyPurge } from '../../../src/central/maintain/purge.ts';
import { createQueue, listQueues } from '../../../src/platform/postgres/pgmq.ts';
import { createPool } from '../../../src/platform/postgres/pool.ts';
import { decisionsDeadLetterQueue } from '../../../src/platform/postgres/queues.ts';
import { listAudit } from '../../../src/platform/store/audit-log.ts';
import { listInstances, registerInstance } from '../../../src/platform/store/instances.ts';
import { insertKey, revokeKey } from '../../../src/platform/store/virtual-keys.ts';
import { silentLogger } from '../../../src/platform/telemetry/logger.ts';
import { runScript } from '../../support/child-process.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';
import { countersOf, countRows, drain, eventOf, newId, seedEvent, send } from './support.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const daysAgo = (days: number): string => new Date(Date.now() - days * 86_400_000).toISOString();

async function runPurge(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const env = { PATH: process.env['PATH'], HOME: tmpdir(), DATABASE_URL: database.connectionString };
  const child = runScript('src/cli/main.ts', ['purge', ...args], { cwd: import.meta.dirname, env });
  const code = await child.waitForExit();
  return { code, stdout: child.stdout(), stderr: child.stderr() };
}

it('deletes what is older, while consumers go on counting', async () => {
  const { pool } = database;
  const [firstDay, secondDay] = [daysAgo(12), daysAgo(10)];
  await pool.query('select ensure_routing_records_partition($1::date)', [firstDay.slice(0, 10)]);
  const old = [firstDay, secondDay].flatMap((timestamp) =>
    Array.from({ length: 600 }, () => ({ ...seedEvent({ outcome: 'success' }), timestamp })),
  );
  await send(pool, [...old, { ...seedEvent({ outcome: 'success' }), timestamp: daysAgo(2) }]);
  await drain(pool);
  await pool.query(`update processed_events set processed_at = now() - interval '10 days'`);

  const survey = await surveyPurge(pool, { before: new Date(daysAgo(5)) });
  expect(survey).toContainEqual({ table: 'routing_records', rows: 1200, deleted: 0, left: 1200 });
  expect((await countRows(pool)).records).toBe(1201);

  const during = Array.from({ length: 400 }, () => eventOf(newId(), { outcome: 'success' }));
  await send(pool, during);
  const shares: number[] = [];
  const [tables] = await Promise.all([
    purge(pool, { before: new Date(daysAgo(5)) }, 'ada', ({ share }) => shares.push(share)),
    drain(pool, { batchSize: 20 }),
    drain(pool, { batchSize: 20 }),
  ]);

  expect(tables).toContainEqual({ table: 'routing_records', rows: 1200, deleted: 1200, left: 0 });
  expect(tables).toContainEqual({ table: 'processed_events', rows: 1201, deleted: 1201, left: 0 });
  expect(await countRows(pool)).toMatchObject({ records: 401, processed: 400 });
  expect(await countersOf(pool, 'gpt-4o')).toMatchObject({ success: 1601 });
  expect(shares).toEqual(shares.toSorted((a, b) => a - b));
  expect(shares.at(-1)).toBe(1);
  expect(await listAudit(pool, { action: 'purge' }, 10)).toMatchObject([
    { author: { credential: 'database', told_name: 'ada' }, action: 'purge.run' },
  ]);
  // Ids of the last day stay, however much is to go: their events may still be under way.
  await purge(pool, { before: new Date(Date.now() + 60_000) }, null);
  expect(await countRows(pool)).toMatchObject({ records: 0, processed: 400 });
}, 60_000);

it('reaches rows that move behind the end that the table had', async () => {
  const { pool, connectionString } = database;
  const deadLetters = `pgmq.q_${decisionsDeadLetterQueue}`;
  // More than is read at once.
  await pool.query(
    `insert into ${deadLetters} (enqueued_at, vt, message)
     select now() - interval '10 days', now(), to_jsonb(repeat('x', 1900)) from generate_series(1, 5000)`,
  );
  // One connection: what is asked for first is done first.
  const alone = createPool({ connectionString, applicationName: 'test', max: 1, log: silentLogger() });
  let moved: Promise<unknown> | undefined;
  const tables = await purge(alone, { before: new Date(daysAgo(5)) }, null, () => {
    moved ??= alone.query(`update ${deadLetters} set vt = vt`);
  });
  await moved;
  await alone.end();
  expect(tables).toContainEqual({ table: deadLetters, rows: 5000, deleted: 5000, left: 0 });
}, 60_000);

it('deletes what is of an instance that is gone, by the command line, and not before it is told twice', async () => {
  const { pool } = database;
  for (const instanceId of ['router-gone', 'router-here']) {
    const queueName = `sb_scores_${instanceId.replace('-', '_')}`;
    await createQueue(pool, queueName);
    const router = { instanceId, service: 'router', version: '0', queueName, address: null, startedAt: new Date() };
    await registerInstance(pool, router);
    await send(pool, [{ ...eventOf(newId(), { outcome: 'success' }), instance_id: instanceId }]);
  }
  await drain(pool);

  expect(await runPurge('--instance', 'router-gone', '--yes')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('is running') as string,
  });
  await pool.query(
    `update instances set last_seen_at = now() - interval '2 minutes' where instance_id = 'router-gone'`,
  );
  expect((await runPurge('--instance', 'router-gone')).stderr).toContain('nothing was deleted');
  expect(await listInstances(pool)).toHaveLength(2);

  const { code, stdout } = await runPurge('--instance', 'router-gone', '--yes', '--json');
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    dry_run: false,
    tables: expect.arrayContaining([
      { table: 'routing_records', rows: 1, deleted: 1, left: 0 },
      { table: 'instances', rows: 1, deleted: 1, left: 0 },
    ]) as unknown,
  });
  const { rows } = await pool.query('select distinct instance_id from routing_records');
  expect(rows).toEqual([{ instance_id: 'router-here' }]);
  expect(await listInstances(pool)).toMatchObject([{ instanceId: 'router-here' }]);
  expect(await listQueues(pool)).not.toContain('sb_scores_router_gone');
  expect(await listQueues(pool)).toContain('sb_scores_router_here');
}, 60_000);

it('deletes all that names a revoked key, and nothing of one in use', async () => {
  const { pool } = database;
  const [gone, kept] = [randomUUID(), randomUUID()];
  for (const keyId of [gone, kept]) {
    const text = { hash: Buffer.from(keyId.replaceAll('-', '')), prefix: 'sb-12345' };
    const rules = { teamId: null, allowedModels: null, mayExplore: true, mayShadow: false, costQualityTradeoff: null };
    await insertKey(pool, { keyId, name: keyId, text, ...rules, expiresAt: null });
    await pool.query(`insert into budgets (budget_id, key_id, limit_usd, period) values ($1, $2, 1, 'day')`, [
      randomUUID(),
      keyId,
    ]);
    const race = { race_id: randomUUID(), strategy: 'first', lane: 0, lanes: 1, caller_id: keyId };
    // The second is none, and becomes a dead letter.
    const event = eventOf(newId(), { outcome: 'success', race } as never);
    await send(pool, [event, { ...event, event_id: newId(), timestamp: 7 }]);
  }
  await drain(pool);
  const refused = (why: string): object => ({ code: 1, stderr: expect.stringContaining(why) as string });
  expect(await runPurge('--key', gone)).toMatchObject(refused('in use'));
  await revokeKey(pool, gone);

  const { stdout } = await runPurge('--key', gone.toUpperCase(), '--yes', '--json');
  expect(JSON.parse(stdout)).toHaveProperty('tables', [
    { table: 'race_mode_results', rows: 1, deleted: 1, left: 0 },
    { table: 'pgmq.q_model_routing_decisions_dlq', rows: 1, deleted: 1, left: 0 },
    { table: 'virtual_keys', rows: 1, deleted: 1, left: 0 },
  ]);
  const { rows } = await pool.query<{ text: string }>(
    `select schemaname || '.' || tablename || ' ' || query_to_xml(format('select * from %I.%I', schemaname, tablename),
       true, true, '')::text as text
     from pg_tables where schemaname in ('public', 'pgmq')
       -- Says that the key was purged, and is never changed.
       and tablename <> 'audit_log'`,
  );
  const tablesWith = (id: string): unknown[] => rows.filter(({ text }) => text.includes(id));
  expect(tablesWith(gone)).toEqual([]);
  expect(tablesWith(kept)).toHaveLength(4);

  // What comes late names a key that is no more.
  expect(await runPurge('--key', gone, '--yes')).toMatchObject(refused(`no key ${gone}`));
  const race = { race_id: randomUUID(), strategy: 'first', lane: 0, lanes: 1, caller_id: gone };
  await send(pool, [eventOf(newId(), { outcome: 'success', race } as never)]);
  await drain(pool);
  expect(await purge(pool, { keyId: gone }, null)).toContainEqual({
    table: 'race_mode_results',
    rows: 1,
    deleted: 1,
    left: 0,
  });
  expect(await listAudit(pool, { action: 'purge', object: gone }, 10)).toHaveLength(2);
}, 60_000);
