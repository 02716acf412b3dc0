import { afterEach, beforeEach, expect, it } from 'vitest';
import { learnOnce } from '../../../src/central/learn/learner.ts';
import type { RoutingEvent } from '../../../src/contracts/event.ts';
import { loadConfig } from '../../../src/platform/config/load.ts';
import { type DriftDetail, openDriftIncidents } from '../../../src/platform/store/incidents.ts';
import { listCellBeliefs } from '../../../src/platform/store/learner-cells.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';
import { drain, eventOf, newId, send } from './support.ts';

let database: TestDatabase;
beforeEach(async () => {
  database = await createTestDatabase();
});
afterEach(() => database.drop());

const rule = loadConfig({ env: {}, cwd: '/nonexistent' }).learner;

interface Incident {
  kind: string;
  model_id: string;
  complexity: string;
  detail: DriftDetail;
}

async function incidents(): Promise<Incident[]> {
  const { rows } = await database.pool.query<Incident>(
    'select kind, model_id, complexity, detail from incidents order by opened_at, model_id, complexity',
  );
  return rows;
}

/** Failures are spread evenly: in a row they would be an alarm of their own. */
function answers(model: string, count: number, successes: number): RoutingEvent[] {
  return Array.from({ length: count }, (_, index) =>
    eventOf(newId(), {
      selected_model: model,
      outcome: (index * successes) % count < successes ? 'success' : 'failure',
    }),
  );
}

async function learnFrom(...events: RoutingEvent[]): Promise<void> {
  await send(database.pool, events);
  await drain(database.pool);
  await learnOnce(database.pool, rule);
}

async function rateOf(model: string): Promise<number | undefined> {
  const beliefs = await listCellBeliefs(database.pool);
  return beliefs.find((belief) => belief.model === model)?.successRate;
}

const alarm = (detail: Partial<DriftDetail> = {}): Parameters<typeof openDriftIncidents>[1][number] => ({
  model: 'swift',
  complexity: 'simple',
  detail: {
    success_rate_before: 0.9,
    success_rate_after: 0.1,
    observations_before: 10,
    evidence: { requests: 1, successes: 0, failures: 1 },
    ...detail,
  },
});

it('a model that breaks down opens one incident, with what was believed before and after', async () => {
  await learnFrom(...answers('gpt-4o', 1000, 950), ...answers('steady', 100, 95));
  expect(await incidents()).toEqual([]);
  const believed = await rateOf('gpt-4o');
  await learnFrom(...answers('gpt-4o', 60, 10), ...answers('steady', 60, 57));
  const [incident, ...more] = await incidents();
  expect(more).toEqual([]);
  expect(incident).toMatchObject({ kind: 'drift', model_id: 'gpt-4o', complexity: 'complex' });
  const detail = incident?.detail;
  expect(detail?.success_rate_before).toBeGreaterThan(0.92);
  expect(detail?.success_rate_before).toBeCloseTo(believed ?? 0, 9);
  expect(detail?.success_rate_after).toBe(await rateOf('gpt-4o'));
  expect(detail?.success_rate_after).toBeLessThan(0.8);
  expect(detail?.observations_before).toBeCloseTo(1000, 0);
  expect(detail?.evidence.requests).toBe(60);
  expect(detail?.evidence.successes).toBeCloseTo(10, 1);
  expect(detail?.evidence.failures).toBeCloseTo(50, 1);
});

it('stays the one incident while it is open, and another alarm opens another when it is closed', async () => {
  const { pool } = database;
  expect(await openDriftIncidents(pool, [])).toBe(0);
  expect(await openDriftIncidents(pool, [alarm(), { ...alarm(), model: 'other' }])).toBe(2);
  const { rows } = await pool.query<{ incident_id: string }>('select incident_id from incidents');
  expect(new Set(rows.map((row) => row.incident_id)).size).toBe(2);

  expect(await openDriftIncidents(pool, [alarm({ success_rate_after: 0.05 })])).toBe(0);
  // It stays what it was; only that there was another alarm is known.
  const { rows: alarms } = await pool.query(
    'select model_id, last_alarm_at > opened_at as again from incidents order by model_id',
  );
  expect(alarms).toEqual([
    { model_id: 'other', again: false },
    { model_id: 'swift', again: true },
  ]);
  expect(await openDriftIncidents(pool, [{ ...alarm(), complexity: 'medium' }])).toBe(1);
  expect((await incidents()).filter(({ model_id: model }) => model === 'swift')).toMatchObject([
    { complexity: 'simple', detail: { success_rate_after: 0.1 } },
    { complexity: 'medium' },
  ]);

  await pool.query("update incidents set closed_at = now(), closed_reason = 'well again' where complexity = 'simple'");
  const opened = await Promise.all(Array.from({ length: 8 }, () => openDriftIncidents(pool, [alarm()])));
  expect(opened.reduce((sum, count) => sum + count, 0)).toBe(1);
});

it('is not opened by a round of learning that fails, and is by the next', async () => {
  const { pool } = database;
  await learnFrom(...answers('gpt-4o', 500, 480));
  await pool.query('alter table score_updates add constraint refuse check (seq < 0) not valid');
  await expect(learnFrom(...answers('gpt-4o', 60, 10))).rejects.toThrow(/refuse/);
  expect(await incidents()).toEqual([]);
  await pool.query('alter table score_updates drop constraint refuse');
  await Promise.all([1, 2, 3].map(() => learnOnce(pool, rule)));
  expect(await incidents()).toMatchObject([{ model_id: 'gpt-4o' }]);
});

it('is not opened by a model that has become better', async () => {
  await learnFrom(...answers('gpt-4o', 500, 370));
  await send(database.pool, answers('gpt-4o', 100, 100));
  await drain(database.pool);
  expect(await learnOnce(database.pool, rule)).toMatchObject({ alarms: [{ model: 'gpt-4o', change: 'better' }] });
  expect(await incidents()).toEqual([]);
});
