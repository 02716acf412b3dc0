import { Client } from 'pg';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { z } from 'zod';
import { publishScores } from '../../src/central/broadcast/publish-scores.ts';
import { catalogueChannel, decisionsQueue } from '../../src/contracts/event.ts';
import { withTransaction } from '../../src/platform/postgres/pool.ts';
import { notify } from '../../src/platform/postgres/notify.ts';
import { openAiClient, startTestApp, type TestApp } from '../support/app.ts';
import { eventOf, newId, send } from '../integration/central/support.ts';
import { capital, user } from '../e2e/requests.ts';

let app: TestApp;
let server: Client;

beforeAll(async () => {
  app = await startTestApp();
  server = new Client({ connectionString: databaseNamed('postgres') });
  await server.connect();
});
afterAll(async () => {
  await server.query('drop database if exists restore_lost with (force)');
  await server.end();
  await app.stop();
});

function databaseNamed(name: string): string {
  const url = new URL(inject('templateConnectionString'));
  url.pathname = `/${name}`;
  return url.href;
}

/** Nobody can connect to the database meanwhile, as when it has failed. */
async function whileAway(database: string, work: () => Promise<void>): Promise<void> {
  await server.query(`alter database ${database} allow_connections false`);
  await server.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [database]);
  await work();
  await server.query(`alter database ${database} allow_connections true`);
}

async function createKey(limits: Record<string, unknown>): Promise<string> {
  const created = await fetch(`${app.url('central')}/keys`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'app', ...limits }),
  });
  return z.object({ key: z.string() }).parse(await created.json()).key;
}

async function publish(score: number): Promise<void> {
  await withTransaction(app.database.pool, (client) =>
    publishScores(client, [
      {
        model: 'gpt-6-astra',
        complexity: 'simple',
        priorScore: 4.8,
        oldScore: 4.8,
        newScore: score,
        sampleSize: 10,
        successRate: 0.9,
        avgResponseTimeMs: null,
        p95Ms: null,
        interval: null,
        strength: null,
        reason: 'test',
      },
    ]),
  );
}

const routeSchema = z.object({
  explanation: z.object({ candidates: z.array(z.object({ model: z.string(), complexity_score: z.number() })) }),
});

/** As the router knows it. */
async function scoreInUse(key: string): Promise<number | undefined> {
  const response = await fetch(`${app.url('router')}/route`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({ query: capital }),
  });
  const { explanation } = routeSchema.parse(await response.json());
  return explanation.candidates.find(({ model }) => model === 'gpt-6-astra')?.complexity_score;
}

async function countsOf(decisionId: string): Promise<unknown> {
  const { rows } = await app.database.pool.query<{ outcome: string }>(
    'select outcome from routing_records where decision_id = $1',
    [decisionId],
  );
  return rows.map(({ outcome }) => outcome);
}

test('an earlier state of the database is come to terms with by routers that have seen a later one', async () => {
  const { pool, connectionString } = app.database;
  const database = new URL(connectionString).pathname.slice(1);
  const key = await createKey({});
  const limited = openAiClient(app.url('router'), await createKey({ budget: { limit_usd: 10, period: 'day' } }));
  const client = openAiClient(app.url('router'), key);
  const ask = async (): Promise<string> => {
    const { response } = await client.chat.completions
      .create({ model: 'auto', messages: user(capital) })
      .withResponse();
    return response.headers.get('x-signalbox-decision-id') ?? '';
  };
  await expect.poll(ask).not.toBe('');
  const kept = await ask();
  await limited.chat.completions.create({ model: 'auto', messages: user(capital) });
  await expect.poll(() => countsOf(kept)).toEqual(['success']);
  const counted = eventOf(newId(), { outcome: 'success', selected_model: 'counted-once' });
  await send(pool, [counted]);
  const successes = async (): Promise<unknown> => {
    const { rows } = await pool.query<{ successes: number }>(
      `select coalesce(sum(success_count), 0)::integer as successes from model_routing_metrics
       where model_name in ('counted-once', 'waits')`,
    );
    return rows[0]?.successes;
  };
  await expect.poll(successes).toBe(1);
  // Not consumed yet when the backup is made.
  const waiting = eventOf(newId(), { outcome: 'success', selected_model: 'waits' });
  await pool.query('select pgmq.send($1, $2::jsonb, 3600)', [decisionsQueue, JSON.stringify(waiting)]);
  await publish(3.5);
  await expect.poll(() => scoreInUse(key)).toBe(3.5);

  // A copy in place of `pg_dump` and `pg_restore`, which scripts/rehearse-restore.ts uses.
  await whileAway(database, async () => {
    await server.query(`create database restore_backup template ${database}`);
  });
  await expect
    .poll(() =>
      pool.query('select 1').then(
        () => 'back',
        () => 'away',
      ),
    )
    .toBe('back');
  const lost = await ask();
  await expect.poll(() => countsOf(lost)).toEqual(['success']);
  for (const score of [2.5, 2, 1.5]) await publish(score);
  await expect.poll(() => scoreInUse(key)).toBe(1.5);

  let away = '';
  await whileAway(database, async () => {
    away = await ask();
    await server.query(`alter database ${database} rename to restore_lost`);
    await server.query(`alter database restore_backup rename to ${database}`);
  });
  await server.query(`alter database ${database} allow_connections true`);

  // What was decided meanwhile comes from the router, what was decided between backup and failure is lost.
  await expect.poll(() => countsOf(away)).toEqual(['success']);
  expect(await countsOf(lost)).toEqual([]);
  expect(await countsOf(kept)).toEqual(['success']);
  // Scores are those of the backup, and later ones count although their numbers are not new to the router.
  await notify(pool, catalogueChannel, '');
  await expect.poll(() => scoreInUse(key)).toBe(3.5);
  await publish(2.75);
  await expect.poll(() => scoreInUse(key)).toBe(2.75);
  // Events are counted once: one that is sent again, and one that waited in the queue.
  await send(pool, [counted]);
  await pool.query(`select pgmq.set_vt($1, msg_id, 0) from pgmq.q_${decisionsQueue} where message -> 'event_id' = $2`, [
    decisionsQueue,
    JSON.stringify(waiting.event_id),
  ]);
  await expect.poll(successes).toBe(2);
  const after = await ask();
  await expect.poll(() => countsOf(after)).toEqual(['success']);
  expect(await successes()).toBe(2);
  // Keys and what limits them are there, whatever the router believed to hold.
  await limited.chat.completions.create({ model: 'auto', messages: user(capital) });
}, 90_000);
