import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { consumeBatch } from '../../../src/central/consume/consume-batch.ts';
import { learnOnce } from '../../../src/central/learn/learner.ts';
import { maintainOnce } from '../../../src/central/maintain/maintenance.ts';
import { createUnknownOutcomes } from '../../../src/central/maintain/unknown-outcomes.ts';
import { decisionsQueue, type RoutingEvent } from '../../../src/contracts/event.ts';
import { loadConfig } from '../../../src/platform/config/load.ts';
import { createPool } from '../../../src/platform/postgres/pool.ts';
import { decisionsDeadLetterQueue } from '../../../src/platform/postgres/queues.ts';
import { markUnknownLanes, upsertRaceLanes } from '../../../src/platform/store/race-results.ts';
import { silentLogger } from '../../../src/platform/telemetry/logger.ts';
import { createMetrics } from '../../../src/platform/telemetry/metrics.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';
import { raceLane, type TestLane } from './race-events.ts';
import { batchOptions, countersOf, drain, eventOf, newId, queueLength, send, total } from './support.ts';

let database: TestDatabase;
beforeEach(async () => {
  database = await createTestDatabase();
});
afterEach(() => database.drop());

const after = 900;
const settings = loadConfig({ env: {}, cwd: '/nonexistent' });

/** Every lane, without the ids and times that differ from run to run. */
async function lanes(): Promise<Array<Record<string, unknown>>> {
  const { rows } = await database.pool.query<Record<string, unknown>>(
    `select lane, lanes, caller_id, task_type, strategy, candidate_model, candidate_provider, finished_first, selected,
       latency_ms, confidence, cost_usd::float8, error_message, output_preview, instance_id, complexity, status, reason,
       race_outcome, race_reason, race_ms, agreement, margin, label, time_to_first_token_ms, input_tokens::integer,
       output_tokens::integer, attempts, estimated_cost_usd
     from race_mode_results order by call_id, lane`,
  );
  return rows;
}

async function evidenceOf(model: string): Promise<Record<string, number>> {
  const { rows } = await database.pool.query<Record<string, number>>(
    `select coalesce(sum(requests), 0)::integer as requests, round(coalesce(sum(successes), 0)::numeric, 3)::float8 as good,
       round(coalesce(sum(failures), 0)::numeric, 3)::float8 as bad, coalesce(sum(response_times), 0)::integer as times
     from learner_evidence where model_name = $1`,
    [model],
  );
  return rows[0] ?? {};
}

/** As if what was postponed had waited long enough. */
async function letPostponedReturn(): Promise<void> {
  await database.pool.query(`update pgmq.q_${decisionsQueue} set vt = now()`);
}

async function age(seconds: number): Promise<void> {
  for (const table of ['race_mode_results', 'routing_records']) {
    await database.pool.query(`update ${table} set created_at = created_at - make_interval(secs => $1)`, [seconds]);
  }
}

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((item, index) =>
    permutations([...items.slice(0, index), ...items.slice(index + 1)]).map((rest) => [item, ...rest]),
  );
}

/** A lane that fails, then has another model answer, and wins with a label of 0.75. */
function eventsOf(lane: TestLane, standIn: string): RoutingEvent[] {
  return [
    lane.routed(),
    lane.attempt({
      outcome: 'failure',
      error_code: 'server',
      http_status: 503,
      response_time_ms: 100,
      cost_usd: 0.1,
      input_tokens: 7,
    }),
    lane.attempt({
      outcome: 'success',
      attempt: 1,
      selected_model: standIn,
      selected_provider: 'other',
      response_time_ms: 600.5,
      time_to_first_token_ms: 200,
      cost_usd: 0.2,
      input_tokens: 7,
      output_tokens: 90,
    }),
    lane.verdict(
      { confidence: 0.8, latency_ms: 750, reason: 'best', finished_first: true, race_ms: 900 },
      { feedback_score: 0.75 },
    ),
  ];
}

const wonLane = {
  lane: 0,
  lanes: 2,
  caller_id: 'key-1',
  task_type: 'technical',
  strategy: 'best',
  candidate_model: 'swift',
  candidate_provider: 'acme',
  finished_first: true,
  selected: true,
  latency_ms: 750,
  confidence: 0.8,
  cost_usd: 0.3,
  error_message: 'server 503',
  output_preview: null,
  instance_id: 'singularity-1',
  complexity: 'complex',
  status: 'won',
  reason: 'best',
  race_outcome: 'decided',
  race_reason: 'the highest confidence by judge',
  race_ms: 900,
  agreement: null,
  margin: null,
  label: 0.75,
  time_to_first_token_ms: 200,
  input_tokens: 14,
  output_tokens: 90,
  attempts: 2,
  estimated_cost_usd: 0.5,
};

describe('the events of a lane', () => {
  it.each([{ batch: 'one by one' }, { batch: 'all at once' }])(
    'come to the same row, evidence and counters in whatever order, $batch',
    async ({ batch }) => {
      const { pool } = database;
      const orders = permutations([0, 1, 2, 3]);
      for (const [index, order] of orders.entries()) {
        const events = eventsOf(raceLane({ model: 'swift' }), `stand-in ${index}`);
        for (const [step, position] of order.entries()) {
          await send(pool, events.slice(position, position + 1));
          if (batch === 'one by one' || step === order.length - 1) await consumeBatch(pool, batchOptions);
        }
        await letPostponedReturn();
        await drain(pool);
        expect(await queueLength(pool, decisionsQueue)).toBe(0);
        expect(await evidenceOf(`stand-in ${index}`)).toEqual({ requests: 1, good: 0.75, bad: 0.25, times: 0 });
        expect(await countersOf(pool, `stand-in ${index}`)).toMatchObject({ usage: 1, success: 1, failure: 0 });
      }
      const rows = await lanes();
      expect(rows).toHaveLength(orders.length);
      expect(new Set(rows.map((row) => JSON.stringify(row)))).toEqual(new Set([JSON.stringify(rows[0])]));
      expect(rows[0]).toEqual(wonLane);
      expect(await evidenceOf('swift')).toEqual({ requests: 0, good: 0, bad: 0, times: 0 });
      expect(await queueLength(pool, decisionsDeadLetterQueue)).toBe(0);
    },
  );

  it('change nothing when they come again, also to several consumers at once', async () => {
    const { pool } = database;
    const races = Array.from({ length: 40 }, () => {
      const raceId = newId();
      return [0, 1, 2].map((lane) => raceLane({ race_id: raceId, lane, lanes: 3, model: 'swift', strategy: 'first' }));
    });
    const events = races.flat().flatMap((lane) => {
      const told = eventsOf(lane, 'stand-in');
      // Without a label, so that nothing is postponed.
      return [...told.slice(0, 3), lane.verdict({ confidence: 0.8, latency_ms: 750, race_ms: 900 })];
    });
    await send(pool, [...events, ...events.toReversed(), ...events]);
    const other = createPool({
      connectionString: database.connectionString,
      applicationName: 'other consumer',
      max: 2,
      log: silentLogger(),
    });
    try {
      const drained = await Promise.all([
        drain(pool, { batchSize: 37 }),
        drain(other, { batchSize: 41 }),
        drain(other, { batchSize: 23 }),
      ]);
      expect(total(drained.flat(), 'duplicates')).toBe(2 * events.length);
      expect(total(drained.flat(), 'ignored')).toBe(0);
    } finally {
      await other.end();
    }
    const rows = await lanes();
    expect(rows).toHaveLength(120);
    expect(new Set(rows.map((row) => JSON.stringify({ ...row, lane: 0 })))).toEqual(
      new Set([
        JSON.stringify({
          ...rows[0],
          ...wonLane,
          lanes: 3,
          strategy: 'first',
          finished_first: false,
          reason: null,
          label: null,
        }),
      ]),
    );
    // Nothing that was asked is told of quality.
    expect((await pool.query('select 1 from learner_evidence')).rowCount).toBe(0);
  });

  it('count nothing twice where the consumer fails while it writes them', async () => {
    const { pool } = database;
    await send(pool, eventsOf(raceLane({ model: 'swift' }), 'stand-in'));
    await pool.query(`
      create function fail() returns trigger language plpgsql as $$
        begin raise exception using errcode = '40001', message = 'on purpose'; end $$;
      create trigger fail after insert or update on race_mode_results for each statement execute function fail()`);
    await expect(consumeBatch(pool, batchOptions)).rejects.toThrow('on purpose');
    expect((await pool.query('select 1 from processed_events')).rowCount).toBe(0);
    await pool.query('drop trigger fail on race_mode_results');
    await drain(pool);
    expect(await lanes()).toEqual([wonLane]);
  });

  it('are set aside where a verdict does not say of which decision it is', async () => {
    const { pool } = database;
    const verdict = raceLane({ model: 'swift' }).verdict();
    delete verdict.routing_decision.decision_id;
    await send(pool, [verdict]);
    expect(total(await drain(pool), 'deadLetters')).toBe(1);
    const { rows } = await pool.query<{ reason: string }>(
      `select message ->> 'reason' as reason from pgmq.q_${decisionsDeadLetterQueue}`,
    );
    expect(rows).toEqual([{ reason: 'routing_decision.decision_id: the verdict of a race needs one' }]);
    expect(await lanes()).toEqual([]);
  });

  it('are of the attempts by their numbers, whichever is heard of first', async () => {
    const { pool } = database;
    for (const order of permutations([0, 1, 2])) {
      const lane = raceLane({ model: 'swift' });
      for (const attempt of order) {
        const outcome = { outcome: 'failure', error_code: `code-${attempt}`, response_time_ms: attempt } as const;
        await send(pool, [lane.attempt({ ...outcome, attempt, selected_model: `model-${attempt}` })]);
        await drain(pool);
      }
    }
    const rows = await lanes();
    expect(rows).toHaveLength(6);
    for (const row of rows) {
      expect(row).toMatchObject({
        candidate_model: 'model-0',
        error_message: 'code-2',
        latency_ms: 2,
        attempts: 3,
        cost_usd: null,
      });
    }
  });

  it('do not take each other’s attempts twice: the first end of an attempt counts', async () => {
    const { pool } = database;
    const lane = raceLane({ model: 'swift' });
    await send(pool, [
      lane.attempt({ outcome: 'success', cost_usd: 0.25 }),
      lane.attempt({ outcome: 'failure', cost_usd: 0.25, error_code: 'server' }),
    ]);
    expect(total(await drain(pool), 'ignored')).toBe(1);
    expect(await lanes()).toMatchObject([{ attempts: 1, cost_usd: 0.25, error_message: null, status: 'running' }]);
  });
});

describe('a verdict', () => {
  it('is no outcome: it opens no record and is not one too many', async () => {
    const { pool } = database;
    const lane = raceLane({ model: 'swift' });
    await send(pool, [lane.verdict({ status: 'lost' }, { outcome: 'cancelled' })]);
    const [early] = await drain(pool);
    expect(early).toMatchObject({ counted: ['cancelled'], ignored: 0, postponed: 0 });
    expect((await pool.query('select 1 from routing_records')).rowCount).toBe(0);
    expect(await countersOf(pool, 'swift')).toMatchObject({ routed: 0, usage: 0, cancelled: 0 });

    await send(pool, [lane.attempt({ outcome: 'success' })]);
    await drain(pool);
    await send(pool, [lane.verdict({ status: 'won' }, { outcome: 'failure' })]);
    expect(total(await drain(pool), 'ignored')).toBe(0);
    expect(await countersOf(pool, 'swift')).toMatchObject({ usage: 1, success: 1, failure: 0 });
    // The first one stays.
    expect(await lanes()).toMatchObject([{ status: 'lost', selected: false, attempts: 1 }]);
  });

  it('that is a label waits for what it judges, and changes nothing until then', async () => {
    const { pool } = database;
    const lane = raceLane({ model: 'swift' });
    await send(pool, [lane.routed(), lane.attempt({ outcome: 'failure' }), lane.verdict({}, { feedback_score: 1 })]);
    expect(await consumeBatch(pool, batchOptions)).toMatchObject({ postponed: 1 });
    expect(await lanes()).toMatchObject([{ status: 'running', label: null, race_outcome: null }]);
    await send(pool, [lane.attempt({ outcome: 'success', attempt: 1 })]);
    await letPostponedReturn();
    await drain(pool);
    await letPostponedReturn();
    await drain(pool);
    const { rows } = await pool.query('select attempt, feedback_score from routing_records order by attempt');
    // It judges the answer, and not the attempt before, which gave none.
    expect(rows).toEqual([
      { attempt: 0, feedback_score: null },
      { attempt: 1, feedback_score: 1 },
    ]);
    expect(await lanes()).toMatchObject([{ status: 'won', label: 1, attempts: 2 }]);
  });

  it('that is a label corrects the evidence and the counters as feedback does', async () => {
    const { pool } = database;
    const judged = raceLane({ model: 'judged' });
    const decisionId = newId();
    await send(pool, [
      judged.routed(),
      judged.attempt({ outcome: 'success', response_time_ms: 50 }),
      judged.verdict({}, { feedback_score: 0.25 }),
      eventOf(decisionId, { outcome: 'routed', selected_model: 'told' }),
      eventOf(decisionId, { outcome: 'success', response_time_ms: 50, selected_model: 'told' }),
      eventOf(decisionId, { origin: 'feedback', outcome: 'failure', feedback_score: 0.25, selected_model: 'told' }),
    ]);
    await drain(pool);
    expect(await evidenceOf('judged')).toEqual({ requests: 1, good: 0.25, bad: 0.75, times: 0 });
    // How long an automatic one took is evidence; how long a lane took is not, since those that take long are stopped.
    expect(await evidenceOf('told')).toEqual({ requests: 1, good: 0.25, bad: 0.75, times: 1 });
    const counters = await countersOf(pool, 'judged');
    expect(counters).toMatchObject({ routed: 1, usage: 1, success: 0, failure: 1 });
    expect({ ...counters, latencies: 1, avgMs: 50 }).toEqual(await countersOf(pool, 'told'));
    expect(counters.latencies).toBe(0);
    const { rows } = await pool.query(
      `select feedback_count::integer, feedback_sum, unjudged_count::integer, unjudged_success_count::integer
       from model_routing_metrics order by model_name`,
    );
    const counted = { feedback_count: 1, feedback_sum: 0.25, unjudged_count: 0, unjudged_success_count: 0 };
    expect(rows).toEqual([counted, counted]);

    // A user who knows better has the last word, and the attempt counts once.
    await send(pool, [eventOf(judged.decisionId, { origin: 'feedback', outcome: 'success', feedback_score: 1 })]);
    await drain(pool);
    expect(await evidenceOf('judged')).toEqual({ requests: 1, good: 1, bad: 0, times: 0 });
    expect(await lanes()).toMatchObject([{ label: 0.25 }]);
  });
});

describe('the learners', () => {
  const rule = { ...settings.learner, min_samples: 10 };

  function outcomes(count: number, label?: number): RoutingEvent[] {
    return Array.from({ length: count }, (_, index) => {
      const lane = raceLane({ model: 'swift' });
      const attempt = lane.attempt({ outcome: index % 2 === 0 ? 'failure' : 'success', response_time_ms: 10 });
      const verdict = label === undefined ? {} : { feedback_score: label };
      return [attempt, lane.verdict({}, { ...verdict, outcome: attempt.routing_decision.outcome })];
    }).flat();
  }

  it.each(['threshold', 'bayesian'] as const)(
    'learn nothing from how lanes end, and learn from their labels: %s',
    async (kind) => {
      const { pool } = database;
      await send(pool, outcomes(60));
      await drain(pool);
      expect(await countersOf(pool, 'swift')).toMatchObject({ usage: 60, success: 30, failure: 30 });
      expect(await learnOnce(pool, { ...rule, kind })).toMatchObject({ cells: 0, published: 0, below: 0 });

      await send(pool, outcomes(40, 0));
      await drain(pool);
      expect(await learnOnce(pool, { ...rule, kind })).toMatchObject({ cells: 1, published: 1 });
      const { rows } = await pool.query<{ success_rate: number; sample_size: string }>(
        'select success_rate, sample_size from complexity_scores',
      );
      expect(rows[0]?.success_rate).toBeLessThan(0.25);
      expect(Number(rows[0]?.sample_size)).toBe(40);
    },
  );
});

describe('a race whose router was killed', () => {
  it('becomes unknown with what its attempts told, and a verdict that comes later counts', async () => {
    const { pool } = database;
    const raceId = newId();
    const ended = raceLane({ race_id: raceId, model: 'swift' });
    const silent = raceLane({ race_id: raceId, lane: 1, model: 'slow' });
    await send(pool, [
      ended.routed(),
      silent.routed(),
      ended.attempt({ outcome: 'failure', attempt: 0, response_time_ms: 20, http_status: 500, cost_usd: 0.125 }),
      ended.attempt({
        outcome: 'success',
        attempt: 1,
        response_time_ms: 640,
        time_to_first_token_ms: 90,
        cost_usd: 0.25,
        output_tokens: 12,
      }),
    ]);
    await drain(pool);
    expect(await markUnknownLanes(pool, after, 10)).toBe(0);
    await age(after + 60);
    expect(await markUnknownLanes(pool, after, 1)).toBe(1);
    expect(await markUnknownLanes(pool, after, 10)).toBe(1);
    expect(await markUnknownLanes(pool, after, 10)).toBe(0);
    expect(await lanes()).toMatchObject([
      {
        status: 'unknown',
        latency_ms: 640,
        time_to_first_token_ms: 90,
        cost_usd: 0.375,
        output_tokens: 12,
        attempts: 2,
        error_message: 'failure 500',
        race_outcome: null,
      },
      { status: 'unknown', latency_ms: null, cost_usd: null, attempts: 0 },
    ]);

    await send(pool, [
      ended.verdict({ status: 'lost', latency_ms: 700 }),
      // An end that comes late still costs, and the lane waits on for its verdict no more.
      silent.attempt({ outcome: 'cancelled', cost_usd: 0.5 }),
    ]);
    await drain(pool);
    expect(await lanes()).toMatchObject([
      { status: 'lost', latency_ms: 700, cost_usd: 0.375, race_outcome: 'decided' },
      { status: 'unknown', cost_usd: 0.5, attempts: 1 },
    ]);
    await age(after + 60);
    expect(await markUnknownLanes(pool, after, 10)).toBe(0);
  });

  it('is given up by the loop that gives up decisions', async () => {
    const { pool } = database;
    await send(pool, [raceLane({ model: 'swift' }).routed()]);
    await drain(pool);
    await age(settings.consumer.unknown_after_s + 60);
    const service = createUnknownOutcomes({
      config: () => settings,
      pool,
      log: silentLogger(),
      metrics: createMetrics(),
    });
    await service.start();
    await expect.poll(lanes).toMatchObject([{ status: 'unknown' }]);
    await service.stop();
    const { rows } = await pool.query('select outcome from routing_records');
    expect(rows).toEqual([{ outcome: 'unknown' }]);
  });
});

describe('what is kept of races', () => {
  it('goes with the records', async () => {
    const { pool } = database;
    await send(pool, [raceLane({ model: 'old' }).routed(), raceLane({ model: 'new' }).routed()]);
    await drain(pool);
    await pool.query(
      "update race_mode_results set created_at = now() - interval '31 days' where candidate_model = 'old'",
    );
    const retention = { records_days: 30, processed_events_days: 7, audit_days: 400, instances_hours: 24 };
    expect(await maintainOnce(pool, retention)).toMatchObject({ rowsDeleted: 1, more: false });
    expect(await lanes()).toMatchObject([{ candidate_model: 'new' }]);
  });

  it('is written in the order of its keys, so that two who write the same lanes do not block each other', async () => {
    const { pool } = database;
    await send(pool, [raceLane({ model: 'swift' }).routed()]);
    await drain(pool);
    const { rows } = await pool.query<{ change: Parameters<typeof upsertRaceLanes>[1][number] }>(
      'select to_jsonb(race_mode_results) as change from race_mode_results',
    );
    const raceIds = Array.from({ length: 50 }, () => newId());
    const changes = raceIds.flatMap((call_id) => rows.map(({ change }) => ({ ...change, call_id, attempts: 1 })));
    await Promise.all(
      Array.from({ length: 20 }, (_, round) => upsertRaceLanes(pool, round % 2 === 0 ? changes : changes.toReversed())),
    );
    const { rows: sums } = await pool.query(
      'select count(*)::integer, sum(attempts)::integer as attempts from race_mode_results where attempts > 0',
    );
    expect(sums).toEqual([{ count: 50, attempts: 1000 }]);
  });
});
