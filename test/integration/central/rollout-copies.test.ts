import { afterEach, beforeEach, expect, it } from 'vitest';
import { learnOnce } from '../../../src/central/learn/learner.ts';
import { createUnknownOutcomes } from '../../../src/central/maintain/unknown-outcomes.ts';
import type { RoutingEvent } from '../../../src/contracts/event.ts';
import { loadConfig } from '../../../src/platform/config/load.ts';
import { listLoggedDecisions } from '../../../src/platform/store/logged-decisions.ts';
import { silentLogger } from '../../../src/platform/telemetry/logger.ts';
import { createMetrics } from '../../../src/platform/telemetry/metrics.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';
import { rolloutArm } from './rollout-events.ts';
import { drain, eventOf, newId, send, total } from './support.ts';

let database: TestDatabase;
beforeEach(async () => {
  database = await createTestDatabase();
  await database.pool.query(
    `insert into models (provider, model_id, status, capabilities, input_modalities, output_modalities, simple_score,
       medium_score, complex_score, source)
     values ('acme', 'swift', 'stable', '{}', '{text}', '{text}', 3, 3, 3, 'discovered')`,
  );
});
afterEach(() => database.drop());

const settings = loadConfig({ env: {}, cwd: '/nonexistent' });

/** Where events themselves are kept, and what is said of rollouts. */
const audited = /^(?:routing_records.*|processed_events|rollout_observations)$/;

/** What copies did and cost is told, apart from what users did and have spent. */
const withoutCopies: Readonly<Record<string, string>> = {
  spending: "where purpose not in ('copy', 'judge')",
  traffic_hours: "where kind <> 'copy'",
  traffic_minutes: "where kind <> 'copy'",
};

/** All that is told of models and users: every other table, the views, and the decisions that policies are judged by. */
async function statistics(): Promise<Record<string, string[]>> {
  const { pool } = database;
  const { rows: relations } = await pool.query<{ name: string }>(
    `select table_name as name from information_schema.tables where table_schema = 'public' order by 1`,
  );
  const told: Record<string, string[]> = {};
  for (const { name } of relations.filter((relation) => !audited.test(relation.name))) {
    const ofUsers = withoutCopies[name] ?? '';
    const { rows } = await pool.query<{ row: string }>(`select t::text as row from ${name} t ${ofUsers} order by 1`);
    told[name] = rows.map(({ row }) => row);
  }
  const window = { since: new Date(Date.now() - 86_400_000).toISOString(), until: null };
  const { decisions } = await listLoggedDecisions(pool, window, null, 1000);
  return { ...told, logged_decisions: decisions.map((decision) => JSON.stringify(decision)) };
}

/** One that answers, one that another model answers for, one that fails, one that is stopped, all of them judged. */
function traffic(arm: 'control' | 'shadow'): RoutingEvent[] {
  const [answered, stoodIn, failed, stopped] = Array.from({ length: 4 }, () => rolloutArm(arm, { model: 'swift' }));
  return [answered, stoodIn, failed, stopped].flatMap((one, index) => {
    if (one === undefined) return [];
    const ends = [
      [
        one.attempt({
          outcome: 'success',
          response_time_ms: 400,
          time_to_first_token_ms: 90,
          input_tokens: 10,
          output_tokens: 20,
          cost_usd: 0.5,
        }),
      ],
      [
        one.attempt({ outcome: 'timeout', error_code: 'timeout' }),
        one.attempt({ outcome: 'success', attempt: 1, origin: 'fallback', response_time_ms: 50 }),
      ],
      [one.attempt({ outcome: 'failure', error_code: 'server' })],
      [one.attempt({ outcome: 'cancelled' })],
    ][index];
    return [one.routed(), ...(ends ?? []), one.feedback(0.75)];
  });
}

async function consume(events: readonly RoutingEvent[]): Promise<void> {
  await send(database.pool, events);
  await drain(database.pool);
}

/** As if so long had passed that nobody waits for outcomes any more. */
async function letOutcomesBeUnknown(): Promise<string> {
  const { pool } = database;
  const metrics = createMetrics();
  await pool.query("update routing_records set created_at = created_at - interval '1 day'");
  const loop = createUnknownOutcomes({ config: () => settings, pool, log: silentLogger(), metrics });
  await loop.start();
  await expect
    .poll(async () => (await pool.query("select 1 from routing_records where outcome = 'routed'")).rowCount)
    .toBe(0);
  await loop.stop();
  const text = await metrics.text();
  return text.split('\n').find((line) => line.startsWith('signalbox_decisions_unknown_total')) ?? '';
}

it('copies change nothing that is told or learned of models, whatever becomes of them', async () => {
  const { pool } = database;
  const silent = rolloutArm('shadow', { model: 'swift' });
  await consume([...traffic('control'), rolloutArm('control', { model: 'swift' }).routed(), silent.routed()]);
  // The user's alone.
  expect(await letOutcomesBeUnknown()).toMatch(/ 1$/);
  await learnOnce(pool, settings.learner);
  const before = await statistics();

  const unlabelled = newId();
  await consume([
    ...traffic('shadow'),
    ...Array.from({ length: 5 }, () => rolloutArm('shadow', { model: 'swift' }).pair()),
    rolloutArm('shadow', { model: 'swift' }).routed(),
    // Known as a copy by its origin alone.
    eventOf(unlabelled, { outcome: 'routed', origin: 'shadow', selected_model: 'swift' }),
    eventOf(unlabelled, { outcome: 'success', origin: 'shadow', selected_model: 'swift', response_time_ms: 1 }),
  ]);
  expect(await letOutcomesBeUnknown()).toBe('');
  expect(await learnOnce(pool, settings.learner)).toMatchObject({ cells: 0, published: 0 });
  expect(await statistics()).toEqual(before);

  // What they did can still be looked up.
  const { rows } = await pool.query(
    "select outcome, count(*)::integer from routing_records where origin = 'shadow' group by 1 order by 1",
  );
  expect(rows).toEqual([
    { outcome: 'cancelled', count: 1 },
    { outcome: 'failure', count: 1 },
    { outcome: 'success', count: 3 },
    { outcome: 'timeout', count: 1 },
    { outcome: 'unknown', count: 2 },
  ]);
  await send(pool, [silent.attempt({ outcome: 'success', response_time_ms: 7 })]);
  const batches = await drain(pool);
  expect([batches[0]?.late, total(batches, 'ignored')]).toEqual([0, 0]);
  expect(await statistics()).toEqual(before);
});

it('the same requests of users change all of it', async () => {
  const { pool } = database;
  const before = await statistics();
  await consume([...traffic('control'), rolloutArm('control', { model: 'swift' }).routed()]);
  const after = await statistics();
  const changed = Object.keys(after).filter((name) => JSON.stringify(after[name]) !== JSON.stringify(before[name]));
  expect(changed).toEqual(
    expect.arrayContaining([
      'decision_tallies',
      'learner_evidence',
      'logged_decisions',
      'model_latency_sketches',
      'model_response_time_trends',
      'model_routing_metrics',
      'model_success_rates',
      'model_usage_by_instance',
      'models',
    ]),
  );
  expect(await learnOnce(pool, settings.learner)).toMatchObject({ cells: 1 });
});
