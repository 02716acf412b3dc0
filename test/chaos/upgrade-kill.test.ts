import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { PoolClient } from '../../src/platform/postgres/pool.ts';
import {
  addCandidate,
  addModel,
  alarm,
  answers,
  countWaiting,
  easy,
  evenly,
  impatient,
  logOf,
  newestOf,
  observe,
  pairs,
  statusesOf,
} from '../integration/upgrade/rollout-support.ts';
import { makeTestFolder, type SignalboxProcess, startSignalbox } from '../support/app.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

// The upgrade service is killed in every state, each time in the middle of the step that leads out of it.

const patience = { timeout: 30_000, interval: 20 };

let database: TestDatabase;
let folder: Awaited<ReturnType<typeof makeTestFolder>>;
let configPath: string;
const processes = new Set<SignalboxProcess>();

beforeEach(async () => {
  database = await createTestDatabase();
  folder = await makeTestFolder();
  configPath = await folder.writeConfig({
    upgrade: { ...impatient, ...easy, mode: 'auto' },
  });
});
afterEach(async () => {
  for (const each of processes) await kill(each);
  await database.drop();
  await folder.remove();
});

function start(): SignalboxProcess {
  const started = startSignalbox(['serve', 'upgrade'], {
    DATABASE_URL: database.connectionString,
    SIGNALBOX_CONFIG: configPath,
    SIGNALBOX_DATA_DIR: folder.folder,
    LOG_LEVEL: 'error',
  });
  processes.add(started);
  return started;
}

async function kill(child: SignalboxProcess): Promise<void> {
  child.kill('SIGKILL');
  await child.waitForExit();
  processes.delete(child);
}

/** What leads to each step of a life, in their order, after the step before. */
const causes: ReadonlyArray<readonly [step: string, cause: (id: string) => Promise<void>]> = [
  ['propose -> proposed 0 by upgrade', () => addCandidate(database.pool, 'line-2')],
  ['approve proposed 0 -> shadow 0 by auto', () => Promise.resolve()],
  ['advance shadow 0 -> canary 0 by upgrade', (id) => observe(database.pool, pairs(25, 'neither', id))],
  [
    'advance canary 0 -> canary 1 by upgrade',
    (id) => observe(database.pool, answers('control', 0.1, 60, false, id), answers('canary', 0.1, 2, false, id)),
  ],
  ['advance canary 1 -> canary 2 by upgrade', (id) => observe(database.pool, answers('canary', 0.2, 2, false, id))],
  [
    'advance canary 2 -> promoted 0 by upgrade',
    (id) =>
      observe(
        database.pool,
        evenly(60, { canary: false, control: false }).map((seen) => ({ ...seen, rollout_id: id })),
      ),
  ],
  ['rollback promoted 0 -> rolled_back 0 by upgrade', () => alarm(database.pool, 'line-2')],
];
const steps = causes.map(([step]) => step);

async function cause(index: number): Promise<void> {
  await causes[index]?.[1]((await newestOf(database.pool, 'line-2')) ?? '');
}

const stepsTaken = (): Promise<string[]> => logOf(database.pool, null);

async function untilTaken(count: number): Promise<void> {
  await vi.waitFor(async () => expect(await stepsTaken()).toEqual(steps.slice(0, count)), patience);
}

/** All that a life leaves, without what differs from run to run. */
async function remains() {
  const { pool } = database;
  // What came after the evidence that decided a step is put away after it.
  await vi.waitFor(async () => expect(await countWaiting(pool)).toBe(0), patience);
  const { rows: rollouts } = await pool.query('select state, stage, share, held, fingerprint, evidence from rollouts');
  const { rows: log } = await pool.query<{ reason: string; evidence: unknown }>(
    "select regexp_replace(reason, 'incident [0-9a-f-]+', 'incident') as reason, evidence from rollout_log order by seq",
  );
  return { rollouts, log, statuses: await statusesOf(pool) };
}

const gate = 4711;
/** Lets so many steps be logged; who takes one more waits in the middle of it, for as long as the test has the lock. */
async function allowSteps(count: number): Promise<void> {
  await database.pool.query(`
    create or replace function wait_at_gate() returns trigger language plpgsql as $$
      begin
        if (select count(*) from rollout_log) >= ${count} then perform pg_advisory_xact_lock(${gate}); end if;
        return new;
      end $$;
    create or replace trigger gate before insert on rollout_log for each row execute function wait_at_gate()`);
}

async function untilSomebodyWaits(): Promise<void> {
  await vi.waitFor(async () => {
    const { rowCount } = await database.pool.query(
      `select from pg_locks join pg_database on pg_database.oid = database
       where locktype = 'advisory' and objid = ${gate} and not granted and datname = current_database()`,
    );
    expect(rowCount).toBe(1);
  }, patience);
}

/** The server sees that a process is gone when it next has to do with it. */
async function untilConnectionsAreGone(): Promise<void> {
  await vi.waitFor(async () => {
    const { rowCount } = await database.pool.query(
      "select from pg_stat_activity where datname = current_database() and application_name <> 'test'",
    );
    expect(rowCount).toBe(0);
  }, patience);
}

async function undisturbed() {
  await addModel(database.pool, 'line-1');
  start();
  for (const index of steps.keys()) {
    await cause(index);
    await untilTaken(index + 1);
  }
  return remains();
}

async function killedInEachStep() {
  await addModel(database.pool, 'line-1');
  const holder: PoolClient = await database.pool.connect();
  try {
    for (const index of steps.keys()) {
      await allowSteps(index);
      await holder.query(`select pg_advisory_lock(${gate})`);
      // The first thing that it does is the step in which the one before was killed.
      const service = start();
      await untilTaken(index);
      await cause(index);
      await untilSomebodyWaits();
      await kill(service);
      await holder.query(`select pg_advisory_unlock(${gate})`);
      await untilConnectionsAreGone();
      expect(await stepsTaken()).toEqual(steps.slice(0, index));
    }
    await allowSteps(steps.length + 1);
    await holder.query(`select pg_advisory_lock(${gate})`);
    start();
    await untilTaken(steps.length);
    return await remains();
  } finally {
    holder.release(true);
  }
}

it('a service that is killed in every state repeats and skips nothing', { timeout: 120_000 }, async () => {
  const expected = await undisturbed();
  expect(expected).toMatchObject({ statuses: { 'line-1': 'stable', 'line-2': 'candidate' } });
  for (const each of processes) await kill(each);
  await database.drop();
  database = await createTestDatabase();
  expect(await killedInEachStep()).toEqual(expected);
});
