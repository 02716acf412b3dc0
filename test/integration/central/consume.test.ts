import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { consumeBatch } from '../../../src/central/consume/consume-batch.ts';
import { createTurns } from '../../../src/central/consume/turns.ts';
import { decisionsQueue, type Outcome, type RoutingEvent } from '../../../src/contracts/event.ts';
import { createPool } from '../../../src/platform/postgres/pool.ts';
import { decisionsDeadLetterQueue } from '../../../src/platform/postgres/queues.ts';
import { silentLogger } from '../../../src/platform/telemetry/logger.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';
import {
  batchOptions,
  countersOf,
  countRows,
  drain,
  eventOf,
  newId,
  queueLength,
  seedEvent,
  send,
  total,
} from './support.ts';

let database: TestDatabase;
beforeEach(async () => {
  database = await createTestDatabase();
});
afterEach(() => database.drop());

const outcomes: Outcome[] = ['routed', 'success', 'success', 'failure', 'timeout'];

/** n events with varied outcomes, models and complexities; a fifth of them is `routed`. */
function seedEvents(count: number): RoutingEvent[] {
  return Array.from({ length: count }, (_, index) =>
    seedEvent({
      outcome: outcomes[index % 5] ?? 'routed',
      selected_model: index % 2 === 0 ? 'gpt-4o' : 'o3',
      complexity: index % 3 === 0 ? 'simple' : 'complex',
      response_time_ms: index % 5 === 0 ? null : 100 + index,
    }),
  );
}

/** What 1,000 of `seedEvents` must come to, whoever consumes them. */
async function expectAllCounted(): Promise<void> {
  const { pool } = database;
  const [gpt, o3] = [await countersOf(pool, 'gpt-4o'), await countersOf(pool, 'o3')];
  for (const counters of [gpt, o3]) {
    expect(counters).toMatchObject({
      routed: 500,
      usage: 400,
      success: 200,
      failure: 100,
      timeout: 100,
      latencies: 200,
    });
  }
  const successes = seedEvents(1000).filter((event) => event.routing_decision.outcome === 'success');
  const mean =
    successes.reduce((sum, event) => sum + (event.routing_decision.response_time_ms ?? 0), 0) / successes.length;
  expect(((gpt.avgMs ?? 0) + (o3.avgMs ?? 0)) / 2).toBeCloseTo(mean, 6);
  expect(await countRows(pool)).toEqual({ records: 1000, processed: 1000, sketched: 400 });
  expect(await queueLength(pool, decisionsQueue)).toBe(0);
  expect(await queueLength(pool, decisionsDeadLetterQueue)).toBe(0);
}

describe('events in the form of the seed, sent by plain SQL', () => {
  it('are all counted once', async () => {
    const { pool } = database;
    await send(pool, seedEvents(1000));
    const batches = await drain(pool);
    expect(batches).toHaveLength(5);
    await expectAllCounted();

    const { rows } = await pool.query<{ times: number[] }>(
      "select response_times as times from model_routing_metrics where model_name = 'o3' and complexity_level = 'complex'",
    );
    // The newest hundred, in order: odd numbers that are no multiples of 3 and whose remainder by 5 is 1 or 2.
    const expected = seedEvents(1000).filter(
      ({ routing_decision: d }) => d.outcome === 'success' && d.selected_model === 'o3' && d.complexity === 'complex',
    );
    expect(rows[0]?.times).toEqual(expected.slice(-100).map((event) => event.routing_decision.response_time_ms));
  });

  it('are all counted once by two consumers at the same time', async () => {
    await send(database.pool, seedEvents(1000));
    const other = createPool({
      connectionString: database.connectionString,
      applicationName: 'other consumer',
      max: 2,
      log: silentLogger(),
    });
    try {
      const drained = await Promise.all([
        drain(database.pool, { batchSize: 37 }),
        drain(other, { batchSize: 41 }),
        drain(other, { batchSize: 23 }),
      ]);
      for (const batches of drained) expect(batches.length).toBeGreaterThan(1);
    } finally {
      await other.end();
    }
    await expectAllCounted();
  });
});

describe('events with ids', () => {
  it('count once however often they are delivered, also to consumers at the same time', async () => {
    const { pool } = database;
    const events = Array.from({ length: 300 }, (_, index) => {
      const decisionId = newId();
      const routed = eventOf(decisionId, { outcome: 'routed' });
      const ended = eventOf(decisionId, { outcome: outcomes[1 + (index % 4)] ?? 'success' });
      // Whoever tells how it ended may give the time at which it did.
      return [routed, { ...ended, timestamp: new Date(Date.parse(routed.timestamp) + 800).toISOString() }];
    }).flat();
    // Each three times, in the opposite order the second time, so that decisions and outcomes meet from both sides.
    await send(pool, [...events, ...events.toReversed(), ...events]);
    const drained = await Promise.all([1, 2, 3].map((consumer) => drain(pool, { batchSize: 40 + consumer })));
    expect(total(drained.flat(), 'duplicates')).toBe(1200);
    expect(total(drained.flat(), 'ignored')).toBe(0);
    expect(await countersOf(pool, 'gpt-4o')).toMatchObject({
      routed: 300,
      usage: 300,
      success: 150,
      failure: 75,
      timeout: 75,
    });
    expect(await countRows(pool)).toMatchObject({ records: 300, processed: 600 });
  });

  it('make one record of a decision and its outcome, whichever comes first', async () => {
    const { pool } = database;
    for (const reversed of [false, true]) {
      const decisionId = newId();
      const routed = eventOf(decisionId, { outcome: 'routed', explanation: { summary: 'why' }, features: [3, 5] });
      const success = eventOf(decisionId, {
        outcome: 'success',
        response_time_ms: 812.6,
        cost_usd: 0.002,
        input_tokens: 7,
        cache_write_tokens: 3,
        reasoning_tokens: 2,
      });
      for (const event of reversed ? [success, routed] : [routed, success]) {
        await send(pool, [event]);
        await drain(pool);
      }
      const { rows } = await pool.query(
        `select outcome, response_time_ms, cost_usd, input_tokens, cache_write_tokens,
           reasoning_tokens, explanation, features
         from routing_records where decision_id = $1`,
        [decisionId],
      );
      expect(rows).toEqual([
        {
          outcome: 'success',
          response_time_ms: 813,
          cost_usd: 0.002,
          input_tokens: 7,
          cache_write_tokens: 3,
          reasoning_tokens: 2,
          explanation: { summary: 'why' },
          features: [3, 5],
        },
      ]);
    }
    expect(await countersOf(pool, 'gpt-4o')).toMatchObject({ routed: 2, usage: 2, success: 2, latencies: 2 });
  });

  it('let the first outcome of an attempt count, and count cancelled ones apart', async () => {
    const { pool } = database;
    const decisionId = newId();
    await send(pool, [
      eventOf(decisionId, { outcome: 'routed' }),
      eventOf(decisionId, { outcome: 'timeout' }),
      eventOf(decisionId, { outcome: 'success', response_time_ms: 10 }),
      eventOf(decisionId, { outcome: 'cancelled', attempt: 1 }),
      eventOf(decisionId, { outcome: 'success', attempt: 2, origin: 'fallback', response_time_ms: 500 }),
    ]);
    const first = await drain(pool);
    await send(pool, [eventOf(decisionId, { outcome: 'failure', attempt: 2 })]);
    const second = await drain(pool);
    expect([total(first, 'ignored'), total(second, 'ignored')]).toEqual([1, 1]);
    expect(await countersOf(pool, 'gpt-4o')).toEqual({
      routed: 3,
      usage: 2,
      success: 1,
      failure: 0,
      timeout: 1,
      cancelled: 1,
      latencies: 1,
      avgMs: 500,
    });
    const { rows } = await pool.query<{ outcome: Outcome }>(
      'select outcome from routing_records where decision_id = $1 order by attempt',
      [decisionId],
    );
    expect(rows.map((row) => row.outcome)).toEqual(['timeout', 'cancelled', 'success']);
  });
});

describe('messages that cannot be counted', () => {
  it('go to the dead-letter queue with the reason, and all others count', async () => {
    const { pool } = database;
    const good = Array.from({ length: 500 }, () => seedEvent({ outcome: 'success', response_time_ms: 5 }));
    // The first does not validate, the second is refused by a column, the third by the calendar.
    const poison = [
      { timestamp: '2025-10-27T06:55:00Z', instance_id: 'x', routing_decision: { complexity: 'extreme' } },
      seedEvent({ outcome: 'success', features: [2 ** 40] }),
      { ...seedEvent({ outcome: 'success' }), timestamp: '0000-01-01T00:00:00Z' },
    ];
    await send(pool, [...good.slice(0, 250), ...poison, ...good.slice(250)]);
    const batches = await drain(pool);
    expect(total(batches, 'deadLetters')).toBe(3);
    expect(await countersOf(pool, 'gpt-4o')).toMatchObject({ usage: 500, success: 500, latencies: 500 });
    expect(await queueLength(pool, decisionsQueue)).toBe(0);

    const { rows } = await pool.query<{ message: { reason: string; received_at: string; message: unknown } }>(
      'select message from pgmq.read($1, 30, 10) order by msg_id',
      [decisionsDeadLetterQueue],
    );
    expect(rows.map((row) => row.message.message)).toEqual(poison);
    expect(rows[0]?.message.reason).toMatch(/routing_decision\.complexity/);
    expect(rows[1]?.message.reason).toMatch(/out of range/);
    for (const row of rows) expect(Date.parse(row.message.received_at)).toBeGreaterThan(0);
  });

  it('do not stop two lanes of one consumer that were given the same events', async () => {
    const { pool } = database;
    const turns = createTurns();
    const decisionId = newId();
    const shared = Array.from({ length: 10 }, (_, attempt) => eventOf(decisionId, { outcome: 'success', attempt }));
    const poison = eventOf(newId(), { outcome: 'success', features: [2 ** 40] });
    // So many that one lane still writes down their ids when the other begins again without its unusable one.
    const others = Array.from({ length: 500 }, () => eventOf(newId(), { outcome: 'success' }));
    await send(pool, [...shared, poison, ...shared, ...others]);
    const lane = (batchSize: number): Promise<unknown> => consumeBatch(pool, { ...batchOptions, batchSize, turns });
    await Promise.all([lane(11), lane(510)]);
    expect(await countersOf(pool, 'gpt-4o')).toMatchObject({ success: 510 });
    expect(await queueLength(pool, decisionsDeadLetterQueue)).toBe(1);
  });

  it('are not given up when the database is what fails', async () => {
    const { pool } = database;
    await send(pool, seedEvents(10));
    await pool.query('alter table model_routing_metrics rename to elsewhere');
    await expect(consumeBatch(pool, batchOptions)).rejects.toThrow(/model_routing_metrics/);
    await pool.query('alter table elsewhere rename to model_routing_metrics');
    expect(await queueLength(pool, decisionsDeadLetterQueue)).toBe(0);
    await drain(pool);
    expect(await countRows(pool)).toMatchObject({ records: 10, processed: 10 });
  });
});

describe('a consumer whose connection is killed within a batch', () => {
  /** Any write to the table waits for a lock that `blocker` holds, so that the consumer stands still right there. */
  async function blockWrites(table: string): Promise<void> {
    await database.pool.query(`
      create or replace function wait_for_test() returns trigger language plpgsql as $$
        begin perform pg_advisory_xact_lock(4711); return null; end $$;
      create trigger wait_for_test after insert or delete on ${table}
        for each statement execute function wait_for_test()`);
  }

  async function findBlockedPid(): Promise<number> {
    for (;;) {
      const { rows } = await database.pool.query<{ pid: number }>(
        `select pid from pg_locks join pg_database on pg_database.oid = database
         where locktype = 'advisory' and not granted and datname = current_database()`,
      );
      if (rows[0] !== undefined) return rows[0].pid;
    }
  }

  it.each([
    'processed_events',
    'routing_records',
    'model_routing_metrics',
    'model_latency_sketches',
    `pgmq.q_${decisionsQueue}`,
  ])('while it writes to %s, loses nothing and counts nothing twice', async (table) => {
    const { pool } = database;
    await send(pool, seedEvents(1000));
    const blocker = await pool.connect();
    await blocker.query('select pg_advisory_lock(4711)');
    await blockWrites(table);
    const consumed = consumeBatch(pool, batchOptions).then(
      () => 'committed',
      () => 'failed',
    );
    await pool.query('select pg_terminate_backend($1)', [await findBlockedPid()]);
    expect(await consumed).toBe('failed');
    await blocker.query('select pg_advisory_unlock(4711)');
    blocker.release();

    expect(await countRows(pool)).toEqual({ records: 0, processed: 0, sketched: 0 });
    await drain(pool);
    await expectAllCounted();
  });
});

describe('feedback', () => {
  const feedback = (decisionId: string, score: number, attempt?: number): RoutingEvent =>
    eventOf(decisionId, {
      origin: 'feedback',
      outcome: score >= 0.5 ? 'success' : 'failure',
      feedback_score: score,
      ...(attempt === undefined ? {} : { attempt }),
    });

  async function feedbackOf(decisionId: string): Promise<unknown[]> {
    const { rows } = await database.pool.query(
      'select attempt, outcome, feedback_score from routing_records where decision_id = $1 order by attempt',
      [decisionId],
    );
    return rows;
  }

  it('corrects what was counted, as often as it changes, and leaves the technical outcome', async () => {
    const { pool } = database;
    const decisionId = newId();
    await send(pool, [
      eventOf(decisionId, { outcome: 'failure' }),
      eventOf(decisionId, { outcome: 'success', attempt: 1 }),
    ]);
    const steps: Array<[score: number, success: number, failure: number]> = [
      [0.125, 0, 2],
      [0.25, 0, 2],
      [0.875, 1, 1],
      [0, 0, 2],
    ];
    for (const [score, success, failure] of steps) {
      await send(pool, [feedback(decisionId, score)]);
      await drain(pool);
      expect(await countersOf(pool, 'gpt-4o')).toMatchObject({ usage: 2, success, failure });
    }
    expect(await feedbackOf(decisionId)).toEqual([
      { attempt: 0, outcome: 'failure', feedback_score: null },
      { attempt: 1, outcome: 'success', feedback_score: 0 },
    ]);
    await send(pool, [feedback(decisionId, 1, 0)]);
    await drain(pool);
    expect(await countersOf(pool, 'gpt-4o')).toMatchObject({ usage: 2, success: 1, failure: 1 });
    const { rows } = await pool.query('select feedback_count::int, feedback_sum from model_routing_metrics');
    expect(rows).toEqual([{ feedback_count: 2, feedback_sum: 1 }]);
  });

  it('that comes before its outcome waits for it', async () => {
    const { pool } = database;
    const decisionId = newId();
    await send(pool, [eventOf(decisionId, { outcome: 'routed' }), feedback(decisionId, 0)]);
    const early = await consumeBatch(pool, { ...batchOptions, visibilitySeconds: 0 });
    expect(early.postponed).toBe(1);
    await send(pool, [eventOf(decisionId, { outcome: 'success' })]);
    await drain(pool, { visibilitySeconds: 0 });
    expect(await queueLength(pool, decisionsQueue)).toBe(0);
    expect(await feedbackOf(decisionId)).toEqual([{ attempt: 0, outcome: 'success', feedback_score: 0 }]);
    expect(await countersOf(pool, 'gpt-4o')).toMatchObject({ usage: 1, success: 0, failure: 1 });
  });

  it('on a decision that never comes is dropped in the end', async () => {
    const { pool } = database;
    await send(pool, [feedback(newId(), 1)]);
    const batches = await drain(pool, { visibilitySeconds: 0 });
    expect(batches.map((batch) => [batch.postponed, batch.orphans])).toEqual([
      [1, 0],
      [1, 0],
      [1, 0],
      [1, 0],
      [0, 1],
    ]);
    expect(await queueLength(pool, decisionsQueue)).toBe(0);
    expect(await countRows(pool)).toEqual({ records: 0, processed: 0, sketched: 0 });
  });
});
