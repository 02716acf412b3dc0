import { tmpdir } from 'node:os';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { discard, replay } from '../../../src/central/consume/dead-letters.ts';
import { decisionsQueue } from '../../../src/contracts/event.ts';
import { decisionsDeadLetterQueue } from '../../../src/platform/postgres/queues.ts';
import { runScript } from '../../support/child-process.ts';
import { type Central, startIdleCentral } from '../../support/central.ts';
import { operator } from '../../support/author.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';
import { countersOf, countRows, drain, eventOf, newId, queueLength, seedEvent, send, total } from './support.ts';

const masterKey = 'sb-master-key-5d1c9e8a27';

interface Letter {
  id: string;
  reason: string;
  received_at: string;
  replays: number;
}
interface Page {
  dead_letters: Letter[];
  total: number;
  next: string | null;
}

let database: TestDatabase;
let central: Central;
beforeAll(async () => {
  database = await createTestDatabase();
  central = await startIdleCentral(database, masterKey);
});
beforeEach(async () => {
  await database.pool.query('truncate processed_events, routing_records, model_routing_metrics, decision_tallies');
  await discard(database.pool, { all: true, upTo: undefined }, operator);
});
afterAll(async () => {
  await central.stop();
  await database.drop();
});

async function request(path: string, method = 'GET', body?: unknown): Promise<{ status: number; answer: unknown }> {
  const response = await fetch(`http://127.0.0.1:${central.port()}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${masterKey}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, answer: await response.json() };
}

const letters = async (query = ''): Promise<Page> => (await request(`/dead-letters${query}`)).answer as Page;

/** What no column takes until the check is gone: an event that a repair makes countable. */
async function refuse(model: string): Promise<void> {
  await database.pool.query(`alter table routing_records add constraint refused check (model <> '${model}') not valid`);
}
async function accept(): Promise<void> {
  await database.pool.query('alter table routing_records drop constraint refused');
}

describe('dead letters', () => {
  it('are given back as the same events, and come back with their count where they fail again', async () => {
    const { pool } = database;
    await refuse('m1');
    const decisionId = newId();
    const withIds = eventOf(decisionId, { selected_model: 'm1', outcome: 'success', response_time_ms: 5 });
    const withoutIds = seedEvent({ selected_model: 'm1', outcome: 'failure' });
    const nonsense = [null, 7, 'text', { replay: 'x' }];
    await send(pool, [withIds, withoutIds, ...nonsense]);
    expect(total(await drain(pool), 'deadLetters')).toBe(6);
    const first = await letters();
    expect(first.total).toBe(6);
    expect(first.dead_letters.map(({ replays }) => replays)).toEqual([0, 0, 0, 0, 0, 0]);

    const { answer } = await request('/dead-letters/replay', 'POST', { all: true });
    expect(answer).toMatchObject({ replayed: 6, left: 0 });
    expect(await queueLength(pool, decisionsDeadLetterQueue)).toBe(0);
    expect(await queueLength(pool, decisionsQueue)).toBe(6);
    await drain(pool);
    const second = await letters();
    expect(second.dead_letters.map(({ replays }) => replays)).toEqual([1, 1, 1, 1, 1, 1]);
    expect(second.dead_letters.map(({ reason }) => reason).sort()).toEqual(
      first.dead_letters.map(({ reason }) => reason).sort(),
    );

    await accept();
    await request('/dead-letters/replay', 'POST', { all: true });
    await drain(pool);
    const third = await letters();
    expect(third.dead_letters.map(({ replays }) => replays)).toEqual([2, 2, 2, 2]);
    expect(await countersOf(pool, 'm1')).toMatchObject({ routed: 2, success: 1, failure: 1 });
    const { answer: shown } = await request(`/dead-letters/${third.dead_letters.at(-1)?.id ?? ''}`);
    expect(shown).toMatchObject({ replays: 2, message: null });

    // The same event once more, by itself and from a letter: it was counted.
    await send(pool, [withIds]);
    expect(total(await drain(pool), 'duplicates')).toBe(1);
    expect(await countRows(pool)).toMatchObject({ records: 2 });
  });

  it('keep the id that an event without one was given', async () => {
    const { pool } = database;
    await refuse('m2');
    await send(pool, [seedEvent({ selected_model: 'm2', outcome: 'success' })]);
    await drain(pool);
    const { rows } = await pool.query<{ id: string }>(
      `select message ->> 'event_id' as id from pgmq.q_${decisionsDeadLetterQueue}`,
    );
    for (let round = 0; round < 3; round += 1) {
      await replay(pool, { all: true, upTo: undefined }, operator);
      await drain(pool);
    }
    await accept();
    await replay(pool, { all: true, upTo: undefined }, operator);
    await drain(pool);
    const processed = await pool.query('select event_id as id from processed_events');
    expect(processed.rows).toEqual(rows);
  });

  it('are listed in pages of at most a hundred, and cleared a thousand at a time', async () => {
    const { pool } = database;
    await pool.query('select pgmq.send_batch($1, array(select to_jsonb(n) from generate_series(1, 2500) as n))', [
      decisionsQueue,
    ]);
    await drain(pool, { batchSize: 1000 });
    expect((await request('/dead-letters?limit=101')).status).toBe(400);
    const page = await letters('?limit=100');
    expect(page).toMatchObject({ total: 2500, next: page.dead_letters.at(-1)?.id });
    const next = await letters(`?limit=100&before=${page.next ?? ''}`);
    expect(Number(next.dead_letters[0]?.id)).toBe(Number(page.next) - 1);

    const id = page.dead_letters[0]?.id ?? '';
    const missing = await request('/dead-letters', 'DELETE', { ids: [id, '1'] });
    expect(missing).toMatchObject({
      status: 404,
      answer: { error: { message: expect.stringMatching(/1 of the 2 ids/) as string } },
    });
    expect((await letters()).total).toBe(2500);
    expect((await request('/dead-letters', 'DELETE', { ids: [id, id] })).answer).toMatchObject({ discarded: 1 });
    expect((await request('/dead-letters', 'DELETE', {})).status).toBe(400);

    const cleared = await request('/dead-letters/replay', 'POST', { all: true });
    expect(cleared.answer).toMatchObject({ replayed: 1000, left: 1499 });
    await drain(pool, { batchSize: 1000 });
    const further = { all: true, up_to: (cleared.answer as { up_to: string }).up_to };
    expect((await request('/dead-letters', 'DELETE', further)).answer).toMatchObject({ discarded: 1000, left: 499 });
    expect((await request('/dead-letters', 'DELETE', further)).answer).toMatchObject({ discarded: 499, left: 0 });
    // What failed again is newer than those that were meant.
    expect((await letters()).total).toBe(1000);
  });
});

describe('signalbox dead-letters', () => {
  async function signalbox(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
    const child = runScript('src/cli/main.ts', [...args, '--url', `http://127.0.0.1:${central.port()}`], {
      cwd: tmpdir(),
      env: { PATH: process.env['PATH'], HOME: tmpdir(), NO_COLOR: '1', SIGNALBOX_MASTER_KEY: masterKey },
    });
    const code = await child.waitForExit();
    return { code, stdout: child.stdout(), stderr: child.stderr() };
  }

  it('lists, shows, replays and discards', { timeout: 60_000 }, async () => {
    const { pool } = database;
    await pool.query('select pgmq.send_batch($1, array(select to_jsonb(n) from generate_series(1, 1200) as n))', [
      decisionsQueue,
    ]);
    await drain(pool, { batchSize: 1000 });
    const listed = await signalbox('dead-letters', 'list', '--limit', '150', '--json');
    const { dead_letters: found, total: count } = JSON.parse(listed.stdout) as Page;
    expect([found.length, count]).toEqual([150, 1200]);
    const table = await signalbox('dead-letters', 'list', '--limit', '2');
    expect(table.stdout.split('\n')).toHaveLength(4);
    expect(table.stderr).toBe('2 of 1200 dead letters\n');
    const id = found[0]?.id ?? '';
    expect((await signalbox('dead-letters', 'show', id)).stdout).toMatch(/replays +0\n1200\n$/);

    expect(await signalbox('dead-letters', 'show', '1')).toMatchObject({
      code: 1,
      stderr: 'error: no dead letter 1\n',
    });
    expect(await signalbox('dead-letters', 'discard')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^error: [^\n]+--all\n$/) as string,
    });
    expect((await signalbox('dead-letters', 'discard', id)).stdout).toBe('1 discarded\n');
    const replayed = await signalbox('dead-letters', 'replay', '--all', '--json');
    expect(JSON.parse(replayed.stdout)).toEqual({ replayed: 1199 });
    await drain(pool, { batchSize: 1000 });
    expect((await letters('?limit=1')).dead_letters[0]?.replays).toBe(1);
    expect((await signalbox('dead-letters', 'discard', '--all')).stdout).toBe('1199 discarded\n');
  });
});
