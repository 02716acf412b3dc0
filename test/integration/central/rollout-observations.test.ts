import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { consumeBatch } from '../../../src/central/consume/consume-batch.ts';
import { maintainOnce } from '../../../src/central/maintain/maintenance.ts';
import { decisionsQueue, type RoutingEvent } from '../../../src/contracts/event.ts';
import { observationsChannel } from '../../../src/contracts/rollout.ts';
import { createPool } from '../../../src/platform/postgres/pool.ts';
import { decisionsDeadLetterQueue } from '../../../src/platform/postgres/queues.ts';
import {
  deleteAllObservations,
  deleteObservations,
  insertObservations,
  type NewObservation,
  readObservations,
} from '../../../src/platform/store/rollout-observations.ts';
import { silentLogger } from '../../../src/platform/telemetry/logger.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';
import { rolloutArm, rolloutId, type TestArm } from './rollout-events.ts';
import { batchOptions, countersOf, drain, eventOf, newId, queueLength, send, total } from './support.ts';

let database: TestDatabase;
beforeEach(async () => {
  database = await createTestDatabase();
});
afterEach(() => database.drop());

/** In the order of their ids, without what differs from run to run. */
async function observations(): Promise<NewObservation[]> {
  const { rows } = await database.pool.query<NewObservation>(
    `select rollout_id, arm, share, unit, kind, bad, latency_ms, streamed, cost_usd, pair from rollout_observations order by id`,
  );
  return rows;
}

/** As if what was postponed had waited long enough. */
async function letPostponedReturn(): Promise<void> {
  await database.pool.query(`update pgmq.q_${decisionsQueue} set vt = now()`);
}

async function consumed(...events: RoutingEvent[]): Promise<NewObservation[]> {
  await send(database.pool, events);
  await drain(database.pool);
  return observations();
}

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((item, index) =>
    permutations([...items.slice(0, index), ...items.slice(index + 1)]).map((rest) => [item, ...rest]),
  );
}

const outcome: NewObservation = {
  rollout_id: rolloutId,
  arm: 'canary',
  share: 0.1,
  unit: null,
  kind: 'outcome',
  bad: false,
  latency_ms: null,
  streamed: null,
  cost_usd: null,
  pair: null,
};
const quality: NewObservation = { ...outcome, kind: 'quality' };

describe('outcomes of a rollout', () => {
  it('are those of first attempts: failures of the model, and how soon and for how much it answered', async () => {
    const [streamed, whole, late, control] = [
      rolloutArm('canary'),
      rolloutArm('canary'),
      rolloutArm('canary', { share: 0.25 }),
      rolloutArm('control'),
    ];
    const told = await consumed(
      streamed.routed(),
      streamed.attempt({ outcome: 'success', response_time_ms: 900, time_to_first_token_ms: 150, cost_usd: 0.25 }),
      whole.attempt({ outcome: 'success', response_time_ms: 800 }),
      late.attempt({ outcome: 'timeout', response_time_ms: 5000, error_code: 'timeout', cost_usd: 0.125 }),
      // Another model answered: that is not the canary's merit.
      late.attempt({ outcome: 'success', attempt: 1, origin: 'fallback', selected_model: 'other' }),
      control.attempt({ outcome: 'failure', error_code: 'server', response_time_ms: 20 }),
    );
    expect(told).toEqual([
      { ...outcome, latency_ms: 150, streamed: true, cost_usd: 0.25 },
      { ...outcome, latency_ms: 800, streamed: false },
      { ...outcome, share: 0.25, bad: true, cost_usd: 0.125 },
      { ...outcome, arm: 'control', bad: true },
    ]);
    // Canaries count for everybody as all others do.
    expect(await countersOf(database.pool, 'canary')).toMatchObject({ routed: 3, usage: 3, success: 2, timeout: 1 });
    const { rows } = await database.pool.query("select 1 from learner_evidence where model_name = 'canary'");
    expect(rows).toHaveLength(1);
  });

  it('are none where the model is not to blame, and none of decisions that are part of none', async () => {
    const told = await consumed(
      rolloutArm('canary').attempt({ outcome: 'cancelled', response_time_ms: 10, error_code: 'spared_busy' }),
      rolloutArm('canary').attempt({ outcome: 'failure', error_code: 'auth', http_status: 401 }),
      rolloutArm('canary').routed(),
      rolloutArm('shadow').attempt({ outcome: 'success' }),
      eventOf(newId(), { outcome: 'success', origin: 'canary' }),
      // Shares at which there is one arm alone, so that there is nothing to compare.
      rolloutArm('control', { share: 0 }).attempt({ outcome: 'success' }),
      rolloutArm('canary', { share: 1 }).attempt({ outcome: 'success' }),
    );
    expect(told).toEqual([]);
    const { rows } = await database.pool.query('select 1 from routing_records');
    expect(rows).toHaveLength(7);
  });

  it('tell where the model was spared the call, and how long clients waited who left', async () => {
    const [spared, left] = [rolloutArm('canary', { unit: '00ff' }), rolloutArm('control', { unit: 'ff00' })];
    await consumed(spared.routed(), left.routed());
    // The label was known before, and is not said again.
    const again = { rollout: undefined, outcome: 'cancelled', response_time_ms: 700 } as const;
    const told = await consumed(spared.attempt({ ...again, error_code: 'spared' }), left.attempt(again));
    expect(told).toEqual([
      { ...outcome, unit: '00ff', kind: 'unavailable', bad: null },
      { ...outcome, arm: 'control', unit: 'ff00', kind: 'left', bad: null, latency_ms: 700, streamed: false },
    ]);
    const { rows } = await database.pool.query('select rollout_unit from routing_records order by 1');
    expect(rows).toEqual([{ rollout_unit: '00ff' }, { rollout_unit: 'ff00' }]);
  });

  it('count once: the first end of an attempt, also of one that was given up', async () => {
    const { pool } = database;
    const arm = rolloutArm('canary');
    await consumed(arm.routed());
    await pool.query("update routing_records set outcome = 'unknown'");
    expect(await consumed(arm.attempt({ outcome: 'failure', error_code: 'server' }))).toMatchObject([{ bad: true }]);
    expect(await consumed(arm.attempt({ outcome: 'success' }), arm.routed())).toMatchObject([{ bad: true }]);
  });

  it('are known by the label of any of their events', async () => {
    const arm = rolloutArm('canary');
    const other = rolloutArm('canary');
    const told = await consumed(
      arm.routed(),
      arm.attempt({ outcome: 'success', rollout: undefined, origin: 'auto', response_time_ms: 5 }),
      other.attempt({ outcome: 'success', rollout: undefined, origin: 'auto', response_time_ms: 5 }),
      other.feedback(0),
      other.routed(),
    );
    const known = { ...outcome, latency_ms: 5, streamed: false };
    expect(told).toEqual([known, known, { ...quality, bad: true }]);

    // Also where every event comes in a batch of its own.
    await deleteAllObservations(database.pool, rolloutId);
    const late = rolloutArm('canary');
    await consumed(late.attempt({ outcome: 'success', rollout: undefined, origin: 'auto', response_time_ms: 5 }));
    await consumed(late.routed());
    expect(await consumed(late.feedback(1))).toEqual([known, quality]);
  });
});

describe('feedback on a rollout', () => {
  it('counts once, however late it comes and however often it changes', async () => {
    const arm = rolloutArm('canary', { share: 0.5 });
    await consumed(arm.routed(), arm.attempt({ outcome: 'success', response_time_ms: 70 }));
    const first = { ...outcome, share: 0.5, latency_ms: 70, streamed: false };
    const judged = [first, { ...quality, share: 0.5, bad: true }];
    expect(await consumed(arm.feedback(0.25))).toEqual(judged);
    expect(await consumed(arm.feedback(1), arm.feedback(0))).toEqual(judged);
    // What users are told follows the last word all the same.
    const { rows } = await database.pool.query('select feedback_score from routing_records');
    expect(rows).toEqual([{ feedback_score: 0 }]);
  });

  it.each([
    { score: 0.5, bad: false },
    { score: 0.49, bad: true },
  ])('of $score is bad: $bad', async ({ score, bad }) => {
    const arm = rolloutArm('control');
    const told = await consumed(arm.attempt({ outcome: 'success' }), arm.feedback(score), arm.feedback(1 - score));
    expect(told.filter(({ kind }) => kind === 'quality')).toEqual([{ ...quality, arm: 'control', bad }]);
  });

  it('is none on other attempts, and none where the end says nothing of the model', async () => {
    const [stoodIn, cancelled, refused, plain] = [
      rolloutArm('canary'),
      rolloutArm('canary'),
      rolloutArm('canary'),
      newId(),
    ];
    const told = await consumed(
      stoodIn.attempt({ outcome: 'failure', error_code: 'server' }),
      stoodIn.attempt({ outcome: 'success', attempt: 1, origin: 'fallback' }),
      // Without saying which attempt it is about: the one that answered.
      stoodIn.feedback(0),
      cancelled.attempt({ outcome: 'cancelled' }),
      cancelled.feedback(0),
      refused.attempt({ outcome: 'failure', error_code: 'rate_limit' }),
      refused.feedback(0, 0),
      eventOf(plain, { outcome: 'success' }),
      eventOf(plain, { origin: 'feedback', outcome: 'failure', feedback_score: 0 }),
    );
    expect(told).toEqual([
      { ...outcome, bad: true },
      { ...outcome, kind: 'unavailable', bad: null },
    ]);
  });
});

describe('pairs of a rollout', () => {
  it('are taken from the last event of a copy, which ends no attempt and opens no record', async () => {
    const { pool } = database;
    const copy = rolloutArm('shadow', { share: 0.05 });
    const told = {
      error: 'shadow',
      invalid: 'both',
      streamed: true,
      control_ms: 120.5,
      shadow_ms: null,
      control_cost_usd: 0.01,
      shadow_cost_usd: 0.02,
      scores: { control: 0.75, shadow: 0.5 },
    } as const;
    await send(pool, [copy.pair(told)]);
    expect(await consumeBatch(pool, batchOptions)).toMatchObject({ counted: ['success'], ignored: 0, late: 0 });
    const pair = { ...outcome, arm: 'shadow', share: 0.05, kind: 'pair', bad: null, pair: told };
    expect(await observations()).toEqual([pair]);
    expect((await pool.query('select 1 from routing_records')).rowCount).toBe(0);

    await send(pool, [copy.routed(), copy.attempt({ outcome: 'failure', error_code: 'server' }), copy.pair()]);
    expect(await consumeBatch(pool, batchOptions)).toMatchObject({ ignored: 0, late: 0, postponed: 0 });
    expect(await observations()).toMatchObject([pair, { kind: 'pair', pair: { error: 'neither' } }]);
    const { rows } = await pool.query(
      'select attempt, origin, outcome, rollout_id, rollout_arm, rollout_share from routing_records',
    );
    expect(rows).toEqual([
      {
        attempt: 0,
        origin: 'shadow',
        outcome: 'failure',
        rollout_id: rolloutId,
        rollout_arm: 'shadow',
        rollout_share: 0.05,
      },
    ]);
  });

  it('are set aside where they are no copy’s', async () => {
    const { pool } = database;
    const pair = rolloutArm('shadow').pair();
    const { rollout } = pair.routing_decision;
    const spoiled = [
      { decision_id: undefined },
      { origin: 'auto' as const },
      { rollout: rollout && { ...rollout, arm: 'canary' as const } },
      { rollout: rollout && { ...rollout, pair: { error: 'nobody', invalid: 'neither' } } },
    ].map((change) => ({ ...pair, event_id: newId(), routing_decision: { ...pair.routing_decision, ...change } }));
    await send(pool, spoiled);
    expect(total(await drain(pool), 'deadLetters')).toBe(4);
    expect(await observations()).toEqual([]);
    const { rows } = await pool.query<{ reason: string }>(
      "select message ->> 'reason' as reason from pgmq.read($1, 30, 10) order by msg_id",
      [decisionsDeadLetterQueue],
    );
    expect(rows.map(({ reason }) => reason)).toEqual([
      'routing_decision.decision_id: a copy needs one',
      'routing_decision.rollout.pair: only copies are compared in pairs',
      'routing_decision.rollout.pair: only copies are compared in pairs',
      expect.stringMatching(/^routing_decision\.rollout\.pair\.error: /),
    ]);
  });
});

/** An attempt that fails, another that answers, and feedback on the first. */
function eventsOf(arm: TestArm): RoutingEvent[] {
  return [
    arm.routed(),
    arm.attempt({ outcome: 'failure', error_code: 'server', response_time_ms: 100, cost_usd: 0.5 }),
    arm.attempt({ outcome: 'success', attempt: 1, origin: 'fallback', response_time_ms: 300 }),
    arm.feedback(0.25, 0),
  ];
}

const told = [
  { ...outcome, bad: true, cost_usd: 0.5 },
  { ...quality, bad: true },
];

describe('the events of a rollout', () => {
  it.each([{ batch: 'one by one' }, { batch: 'all at once' }])(
    'come to the same observations in whatever order, $batch',
    async ({ batch }) => {
      const { pool } = database;
      const orders = permutations([0, 1, 2, 3]);
      for (const order of orders) {
        const events = eventsOf(rolloutArm('canary'));
        for (const [step, position] of order.entries()) {
          await send(pool, events.slice(position, position + 1));
          if (batch === 'one by one' || step === order.length - 1) await consumeBatch(pool, batchOptions);
        }
        await letPostponedReturn();
        await drain(pool);
        expect(await observations()).toMatchObject(told);
        await deleteAllObservations(pool, rolloutId);
      }
      expect(await queueLength(pool, decisionsQueue)).toBe(0);
      expect(await queueLength(pool, decisionsDeadLetterQueue)).toBe(0);
    },
  );

  it('count once when they come again, also to several consumers at once', async () => {
    const { pool } = database;
    const arms = Array.from({ length: 60 }, (_, index) => rolloutArm(index % 3 === 0 ? 'canary' : 'control'));
    const copies = Array.from({ length: 30 }, () => rolloutArm('shadow'));
    const events = [
      // Without feedback, so that nothing is postponed.
      ...arms.flatMap((arm) => eventsOf(arm).slice(0, 3)),
      ...copies.flatMap((copy) => [copy.routed(), copy.attempt({ outcome: 'success' }), copy.pair()]),
    ];
    const feedback = arms.map((arm) => arm.feedback(1, 0));
    const other = createPool({
      connectionString: database.connectionString,
      applicationName: 'other consumer',
      max: 2,
      log: silentLogger(),
    });
    try {
      for (const round of [events, feedback]) {
        await send(pool, [...round, ...round.toReversed(), ...round]);
        const drained = await Promise.all([
          drain(pool, { batchSize: 37 }),
          drain(other, { batchSize: 41 }),
          drain(other, { batchSize: 23 }),
        ]);
        expect(total(drained.flat(), 'duplicates')).toBe(2 * round.length);
        expect(total(drained.flat(), 'ignored')).toBe(0);
      }
    } finally {
      await other.end();
    }
    const counts = new Map<string, number>();
    for (const { arm, kind, bad } of await observations()) {
      const key = `${arm} ${kind} ${bad}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    expect(Object.fromEntries(counts)).toEqual({
      'canary outcome true': 20,
      'control outcome true': 40,
      'canary quality false': 20,
      'control quality false': 40,
      'shadow pair null': 30,
    });
  });

  it('wake whoever decides, when they tell anything', async () => {
    const { pool } = database;
    const listener = await pool.connect();
    const payloads: unknown[] = [];
    listener.on('notification', ({ channel }) => payloads.push(channel));
    await listener.query(`listen ${observationsChannel}`);
    try {
      await consumed(rolloutArm('canary').routed(), eventOf(newId(), { outcome: 'success' }));
      // Notifications come before the answer to what is asked later.
      await listener.query('select 1');
      expect(payloads).toEqual([]);
      await consumed(rolloutArm('canary').attempt({ outcome: 'success' }), rolloutArm('shadow').pair());
      await listener.query('select 1');
      expect(payloads).toEqual([observationsChannel]);
    } finally {
      listener.release(true);
    }
  });

  it('are neither lost nor counted twice by a consumer that is killed while it writes what they say', async () => {
    const { pool } = database;
    await send(pool, [...eventsOf(rolloutArm('canary')), rolloutArm('shadow').pair()]);
    const blocker = await pool.connect();
    await blocker.query('select pg_advisory_lock(4711)');
    await pool.query(`
      create function wait_for_test() returns trigger language plpgsql as $$
        begin perform pg_advisory_xact_lock(4711); return null; end $$;
      create trigger wait_for_test after insert on rollout_observations
        for each statement execute function wait_for_test()`);
    const consumption = consumeBatch(pool, batchOptions).then(
      () => 'committed',
      () => 'failed',
    );
    await expect
      .poll(async () => {
        const { rows } = await pool.query(
          `select pg_terminate_backend(pid) as ended from pg_locks join pg_database on pg_database.oid = database
           where locktype = 'advisory' and not granted and datname = current_database()`,
        );
        return rows;
      })
      .toEqual([{ ended: true }]);
    expect(await consumption).toBe('failed');
    await blocker.query('select pg_advisory_unlock(4711)');
    blocker.release();
    expect(await observations()).toEqual([]);
    expect((await pool.query('select 1 from routing_records')).rowCount).toBe(0);

    await drain(pool);
    expect(await observations()).toMatchObject([...told, { kind: 'pair' }]);
  });
});

describe('observations', () => {
  const numbered = (count: number, rollout_id = rolloutId): NewObservation[] =>
    Array.from({ length: count }, (_, index) => ({ ...outcome, rollout_id, cost_usd: index }));

  it('are read in the order in which they were made, those of one rollout, until they are deleted', async () => {
    const { pool } = database;
    await insertObservations(pool, []);
    await insertObservations(pool, numbered(500));
    const other = newId();
    await insertObservations(pool, numbered(3, other));
    const first = await readObservations(pool, rolloutId, 300);
    expect(first.map(({ costUsd: number }) => number)).toEqual(numbered(300).map(({ cost_usd: number }) => number));
    await deleteObservations(
      pool,
      first.map(({ id }) => id),
    );
    expect(await readObservations(pool, rolloutId, 1000)).toHaveLength(200);
    expect(await deleteAllObservations(pool, rolloutId)).toBe(200);
    expect(await readObservations(pool, rolloutId, 1000)).toEqual([]);
    expect(await readObservations(pool, other, 10)).toMatchObject([{ costUsd: 0 }, { costUsd: 1 }, { costUsd: 2 }]);
  });

  it('that nobody takes for a week are no longer kept', async () => {
    const { pool } = database;
    await insertObservations(pool, numbered(5));
    await pool.query("update rollout_observations set observed_at = now() - interval '8 days' where cost_usd < 2");
    const retention = { records_days: 30, processed_events_days: 7, audit_days: 400, instances_hours: 24 };
    expect(await maintainOnce(pool, retention)).toMatchObject({ rowsDeleted: 2, more: false });
    expect(await observations()).toMatchObject([{ cost_usd: 2 }, { cost_usd: 3 }, { cost_usd: 4 }]);
  });
});
