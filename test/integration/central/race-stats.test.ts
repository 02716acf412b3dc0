import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decisionsQueue, type RoutingDecision } from '../../../src/contracts/event.ts';
import { notNeededReason, stoppedReason } from '../../../src/contracts/lane-reason.ts';
import type { RaceLane, RaceVerdict } from '../../../src/contracts/race.ts';
import { type Central, startIdleCentral } from '../../support/central.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';
import { raceLane } from './race-events.ts';
import { drain, newId, queueLength, send } from './support.ts';

const masterKey = 'sb-master-key-77c1e0a94b';

let database: TestDatabase;
let central: Central;
beforeEach(async () => {
  database = await createTestDatabase();
  central = await startIdleCentral(database, masterKey);
});
afterEach(async () => {
  await central.stop();
  await database.drop();
});

/** Central looks at the queue itself when it starts: it may have what is sent then in hand, and may have to leave it again. */
async function consumeAll(): Promise<void> {
  await expect
    .poll(async () => {
      await drain(database.pool);
      return queueLength(database.pool, decisionsQueue);
    })
    .toBe(0);
}

async function get(path: string, key = masterKey): Promise<{ status: number; answer: unknown }> {
  const response = await fetch(`http://127.0.0.1:${central.port()}${path}`, {
    headers: { authorization: `Bearer ${key}` },
  });
  return { status: response.status, answer: await response.json() };
}

interface Lane {
  model: string;
  provider?: string;
  attempt?: Partial<RoutingDecision>;
  /** Of the lane; null: the router was killed. */
  verdict: Partial<RaceVerdict> | null;
  label?: number;
  estimate?: number;
}
type RaceOfLanes = Pick<RaceLane, 'strategy'> & { verdict?: Partial<RaceVerdict>; lanes: Lane[] };

/** Tells of a race as its router would. Returns its id. */
async function tell(race: RaceOfLanes): Promise<string> {
  const raceId = newId();
  const events = race.lanes.flatMap(({ model, provider, attempt, verdict, label, estimate }, lane) => {
    const told = raceLane({
      race_id: raceId,
      strategy: race.strategy,
      lane,
      lanes: race.lanes.length,
      model,
      ...(provider === undefined ? {} : { provider }),
      estimated_cost_usd: estimate ?? null,
    });
    return [
      told.routed(),
      ...(attempt === undefined ? [] : [told.attempt({ outcome: 'success', ...attempt })]),
      ...(verdict === null
        ? []
        : [
            told.verdict(
              { race_reason: 'said so', ...race.verdict, ...verdict },
              label === undefined ? {} : { feedback_score: label },
            ),
          ]),
    ];
  });
  await send(database.pool, events);
  await consumeAll();
  return raceId;
}

const stopped = { status: 'cancelled', reason: stoppedReason } as const;
const notNeeded = { status: 'cancelled', reason: notNeededReason, latency_ms: null } as const;

/** Eight races of three models, one of which has two providers. */
async function tellAll(): Promise<void> {
  await tell({
    strategy: 'first',
    verdict: { race_ms: 120 },
    lanes: [
      {
        model: 'alpha',
        attempt: { cost_usd: 0.25 },
        verdict: { status: 'won', latency_ms: 100, finished_first: true },
      },
      {
        model: 'beta',
        attempt: { outcome: 'cancelled', cost_usd: 0.125 },
        estimate: 0.5,
        verdict: { ...stopped, latency_ms: 110 },
      },
      // It cost more than was expected: nothing was saved, and nothing is taken off the savings of others.
      {
        model: 'gamma',
        attempt: { outcome: 'cancelled', cost_usd: 0.75 },
        estimate: 0.5,
        verdict: { ...stopped, latency_ms: 105 },
      },
    ],
  });
  await tell({
    strategy: 'first',
    verdict: { race_ms: 320 },
    lanes: [
      {
        model: 'alpha',
        attempt: { outcome: 'failure', error_code: 'server', http_status: 503 },
        verdict: { status: 'error', latency_ms: 50 },
      },
      { model: 'beta', attempt: { cost_usd: 0.5 }, verdict: { status: 'won', latency_ms: 300, finished_first: true } },
    ],
  });
  await tell({
    strategy: 'best',
    verdict: { race_ms: 500 },
    lanes: [
      {
        model: 'alpha',
        attempt: { cost_usd: 0.25 },
        verdict: { status: 'won', latency_ms: 400, confidence: 0.9 },
        label: 0.9,
      },
      {
        model: 'beta',
        attempt: { cost_usd: 0.25 },
        verdict: { status: 'lost', latency_ms: 200, confidence: 0.5, finished_first: true },
        label: 0.5,
      },
      { model: 'alpha', provider: 'other', attempt: {}, verdict: { status: 'lost', latency_ms: 250 } },
    ],
  });
  await tell({
    strategy: 'best',
    verdict: { race_ms: 600 },
    lanes: [
      { model: 'alpha', attempt: {}, verdict: { status: 'won', latency_ms: 400, confidence: 0.5 }, label: 0.5 },
      {
        model: 'beta',
        attempt: {},
        verdict: { status: 'lost', latency_ms: 100, confidence: 0.5, finished_first: true },
        label: 0.5,
      },
    ],
  });
  await tell({
    strategy: 'consensus',
    verdict: { race_ms: 700, agreement: 0.75, margin: 0.5 },
    lanes: [
      { model: 'alpha', attempt: { cost_usd: 0.125 }, verdict: { status: 'lost', latency_ms: 500 }, label: 0 },
      {
        model: 'beta',
        attempt: { cost_usd: 0.125 },
        verdict: { status: 'won', latency_ms: 300, confidence: 0.75, finished_first: true },
        label: 1,
      },
      { model: 'gamma', estimate: 0.25, verdict: notNeeded },
    ],
  });
  await tell({
    strategy: 'consensus',
    verdict: { race_ms: 800, agreement: 0.25, race_outcome: 'no_consensus' },
    lanes: [
      {
        model: 'alpha',
        attempt: { cost_usd: 0.125 },
        verdict: { status: 'lost', latency_ms: 600, confidence: 0.6, finished_first: true },
      },
      { model: 'beta', attempt: {}, verdict: { status: 'lost', latency_ms: 100 } },
      { model: 'gamma', attempt: {}, verdict: { status: 'invalid', latency_ms: 100, reason: 'a refusal' } },
    ],
  });
  await tell({
    strategy: 'best',
    verdict: { race_ms: 900, race_outcome: 'no_answer' },
    lanes: [
      { model: 'alpha', attempt: { outcome: 'failure' }, verdict: { status: 'error', latency_ms: 30 } },
      {
        model: 'gamma',
        attempt: { outcome: 'cancelled' },
        estimate: 4,
        verdict: { status: 'cancelled', reason: 'out of time', latency_ms: 900 },
      },
    ],
  });
  await tell({
    strategy: 'first',
    lanes: [
      { model: 'alpha', verdict: null },
      { model: 'beta', verdict: null },
    ],
  });
}

const alpha = { model: 'alpha', provider: 'acme' };
const elsewhere = { model: 'alpha', provider: 'other' };
const beta = { model: 'beta', provider: 'acme' };
const gamma = { model: 'gamma', provider: 'acme' };
const close = (value: number): unknown => expect.closeTo(value, 6);

describe('the statistics of races', () => {
  it('are what one counts by hand', async () => {
    await tellAll();
    const { status, answer } = await get('/races/stats');
    expect(status).toBe(200);
    expect(answer).toEqual({
      hours: 24,
      total_races: 8,
      by_strategy: { first: 3, best: 3, consensus: 2 },
      fastest_model: { model: 'beta', wins: 4 },
      highest_confidence_model: { model: 'alpha', avg: 0.67 },
      by_outcome: { decided: 5, no_consensus: 1, no_answer: 1, unfinished: 1 },
      mean_agreement: 0.5,
      total_cost_usd: 2.5,
      strategies: [
        {
          strategy: 'best',
          races: 3,
          race_ms: { mean: close(2000 / 3), p50: 600, p95: close(870) },
          mean_cost_usd: null,
        },
        { strategy: 'consensus', races: 2, race_ms: { mean: 750, p50: 750, p95: close(795) }, mean_cost_usd: 0.25 },
        { strategy: 'first', races: 3, race_ms: { mean: 220, p50: 220, p95: close(310) }, mean_cost_usd: 0.8125 },
      ],
      savings: { races: 2, lanes_stopped: 2, lanes_never_started: 1, estimated_saved_usd: 0.625 },
      models: [
        {
          ...alpha,
          races: 8,
          wins: 3,
          finished_first: 2,
          errors: 2,
          invalid: 0,
          mean_confidence: close(2 / 3),
          latency_ms: { p50: 450, p95: 585 },
          cost_usd: 0.75,
        },
        {
          ...beta,
          races: 7,
          wins: 2,
          finished_first: 4,
          errors: 0,
          invalid: 0,
          mean_confidence: close(1.75 / 3),
          latency_ms: { p50: 150, p95: 285 },
          cost_usd: 1,
        },
        {
          ...gamma,
          races: 4,
          wins: 0,
          finished_first: 0,
          errors: 0,
          invalid: 1,
          mean_confidence: null,
          latency_ms: { p50: null, p95: null },
          cost_usd: 0.75,
        },
        {
          ...elsewhere,
          races: 1,
          wins: 0,
          finished_first: 0,
          errors: 0,
          invalid: 0,
          mean_confidence: null,
          latency_ms: { p50: 250, p95: 250 },
          cost_usd: null,
        },
      ],
      pairs: [
        { kind: 'quality', a: alpha, b: beta, races: 4, wins_a: 1, wins_b: 1, ties: 2, ...halfOfTwo() },
        { kind: 'speed', a: alpha, b: beta, races: 2, wins_a: 1, wins_b: 1, ties: 0, ...halfOfTwo() },
        { kind: 'quality', a: alpha, b: elsewhere, races: 1, wins_a: 0, wins_b: 0, ties: 1, ...undecided },
        { kind: 'quality', a: alpha, b: gamma, races: 1, wins_a: 0, wins_b: 0, ties: 1, ...undecided },
        { kind: 'quality', a: elsewhere, b: beta, races: 1, wins_a: 0, wins_b: 0, ties: 1, ...undecided },
        { kind: 'quality', a: beta, b: gamma, races: 1, wins_a: 0, wins_b: 0, ties: 1, ...undecided },
        { kind: 'speed', a: alpha, b: gamma, races: 1, wins_a: 1, wins_b: 0, ties: 0, ...oneOfOne() },
        { kind: 'speed', a: beta, b: gamma, races: 1, wins_a: 0, wins_b: 0, ties: 1, ...undecided },
      ],
    });
  });

  // By Wilson's formula, worked out apart.
  const halfOfTwo = () => ({ win_rate: 0.5, interval: [close(0.0945312), close(0.9054688)] });
  const oneOfOne = () => ({ win_rate: 1, interval: [close(0.2065493), 1] });
  const undecided = { win_rate: null, interval: null };

  it('are of the time that was asked for, and nothing where there is nothing', async () => {
    const raceId = await tell({
      strategy: 'best',
      lanes: [{ model: 'alpha', attempt: { cost_usd: 1 }, verdict: { status: 'won', latency_ms: 5, confidence: 0.5 } }],
    });
    await database.pool.query("update race_mode_results set created_at = now() - interval '30 hours'");
    expect((await get('/races/stats')).answer).toEqual({
      hours: 24,
      total_races: 0,
      by_strategy: {},
      fastest_model: null,
      highest_confidence_model: null,
      by_outcome: { decided: 0, no_consensus: 0, no_answer: 0, unfinished: 0 },
      mean_agreement: null,
      total_cost_usd: 0,
      strategies: [],
      savings: { races: 0, lanes_stopped: 0, lanes_never_started: 0, estimated_saved_usd: 0 },
      models: [],
      pairs: [],
    });
    expect((await get('/races/stats?hours=31')).answer).toMatchObject({ total_races: 1, total_cost_usd: 1 });
    expect((await get(`/races/${raceId}`)).status).toBe(200);
  });

  it('are bounded, with those that raced most often', async () => {
    const lane = raceLane({ model: 'm000', strategy: 'first', lanes: 16 });
    await send(database.pool, [lane.verdict({ latency_ms: 1 })]);
    await consumeAll();
    // Ten races of sixteen models each, of which no two share one but the model `often`, which is in all.
    await database.pool.query(
      `insert into race_mode_results (call_id, lane, lanes, caller_id, strategy, candidate_model, candidate_provider,
         decision_id, instance_id, complexity, status, race_outcome, latency_ms, candidate_attempt)
       select gen_random_uuid(), 0, 16, caller_id, strategy, '', candidate_provider, decision_id, instance_id,
         complexity, status, race_outcome, latency_ms, 0
       from race_mode_results, generate_series(1, 9)`,
    );
    await database.pool.query(
      `insert into race_mode_results (call_id, lane, lanes, caller_id, strategy, candidate_model, candidate_provider,
         decision_id, instance_id, complexity, status, race_outcome, latency_ms, candidate_attempt)
       select call_id, number, 16, caller_id, strategy, case number when 15 then 'often' else call_id::text || number end,
         candidate_provider, decision_id, instance_id, complexity, status, race_outcome, latency_ms, 0
       from race_mode_results, generate_series(1, 15) as number`,
    );
    const answer = (await get('/races/stats')).answer as { models: unknown[]; pairs: unknown[] };
    expect([answer.models.length, answer.pairs.length]).toEqual([100, 200]);
    expect(answer.models[0]).toMatchObject({ model: 'often', races: 10 });
    expect(answer.pairs[0]).toMatchObject({ races: 9 });
  });

  it('refuse a time that is none', async () => {
    for (const hours of ['0', '8761', '1.5', 'day']) {
      expect((await get(`/races/stats?hours=${hours}`)).status).toBe(400);
    }
  });
});

describe('races', () => {
  it('can be looked up, with all that is known of each lane', async () => {
    const raceId = await tell({
      strategy: 'consensus',
      verdict: { race_ms: 700, agreement: 0.75, margin: 0.5, race_reason: '2 of 2 valid answers agree' },
      lanes: [
        {
          model: 'alpha',
          attempt: { cost_usd: 0.1, input_tokens: 5, output_tokens: 6, time_to_first_token_ms: 40 },
          verdict: { status: 'won', latency_ms: 300, confidence: 0.75, reason: 'agreed', finished_first: true },
          label: 1,
        },
        {
          model: 'beta',
          attempt: { outcome: 'failure', error_code: 'server', http_status: 503, cost_usd: 0.2 },
          estimate: 0.5,
          verdict: { status: 'error', latency_ms: 50, reason: 'server' },
        },
      ],
    });
    const { status, answer } = await get(`/races/${raceId}`);
    expect(status).toBe(200);
    const lane = { decision_id: expect.any(String) as string, instance_id: 'singularity-1', updated_at: anyTime() };
    expect(answer).toEqual({
      race_id: raceId,
      created_at: anyTime(),
      strategy: 'consensus',
      caller_id: 'key-1',
      task_type: 'technical',
      complexity: 'complex',
      outcome: 'decided',
      reason: '2 of 2 valid answers agree',
      race_ms: 700,
      agreement: 0.75,
      margin: 0.5,
      cost_usd: 0.3,
      lane_count: 2,
      lanes: [
        {
          ...lane,
          lane: 0,
          ...alpha,
          status: 'won',
          reason: 'agreed',
          selected: true,
          finished_first: true,
          latency_ms: 300,
          time_to_first_token_ms: 40,
          confidence: 0.75,
          label: 1,
          cost_usd: 0.1,
          estimated_cost_usd: null,
          input_tokens: 5,
          output_tokens: 6,
          attempts: 1,
          error_message: null,
        },
        {
          ...lane,
          lane: 1,
          ...beta,
          status: 'error',
          reason: 'server',
          selected: false,
          finished_first: false,
          latency_ms: 50,
          time_to_first_token_ms: null,
          confidence: null,
          label: null,
          cost_usd: 0.2,
          estimated_cost_usd: 0.5,
          input_tokens: null,
          output_tokens: null,
          attempts: 1,
          error_message: 'server 503',
        },
      ],
    });
  });

  const anyTime = (): unknown => expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);

  it('are listed page by page, each once, the newest first', async () => {
    interface Page {
      races: Array<{ race_id: string; lanes: unknown[] }>;
      next: string | null;
    }
    // Five races that were heard of in the same transaction, a later one, and one whose second lane was heard of later.
    const together = Array.from({ length: 5 }, () => newId()).sort();
    await send(
      database.pool,
      together.flatMap((race_id) => [0, 1].map((lane) => raceLane({ race_id, lane, model: 'alpha' }).routed())),
    );
    await consumeAll();
    const split = newId();
    for (const lane of [1, 0]) {
      await send(database.pool, [raceLane({ race_id: split, lane, model: 'alpha' }).routed()]);
      await consumeAll();
    }
    const newest = await tell({ strategy: 'first', lanes: [{ model: 'alpha', verdict: null }] });

    const seen: string[] = [];
    const sizes: number[] = [];
    let path: string | null = '/races?limit=3';
    while (path !== null) {
      const answer = (await get(path)).answer as Page;
      seen.push(...answer.races.map((race) => `${race.race_id} ${race.lanes.length}`));
      sizes.push(answer.races.length);
      path = answer.next === null ? null : `/races?limit=3&before=${answer.next}`;
    }
    expect(seen).toEqual([`${newest} 1`, `${split} 2`, ...together.toReversed().map((raceId) => `${raceId} 2`)]);
    expect(sizes).toEqual([3, 3, 1]);
    expect(((await get('/races')).answer as Page).races).toHaveLength(7);
  });

  it('that do not exist are not found, and what is asked for wrongly is refused', async () => {
    const raceId = newId();
    expect(await get(`/races/${raceId}`)).toMatchObject({
      status: 404,
      answer: { error: { code: 'not_found', message: `no race ${raceId}` } },
    });
    const forged = Buffer.from('2026-99-01T00:00:00.000000Z 00000000-0000-7000-8000-000000000001').toString(
      'base64url',
    );
    for (const path of [
      '/races/7',
      '/races?before=x',
      `/races?before=${forged}`,
      '/races?limit=0',
      '/races?limit=201',
    ]) {
      expect({ path, ...(await get(path)) }).toMatchObject({ path, status: 400 });
    }
  });

  it('are for those who have the master key', async () => {
    for (const path of ['/races', '/races/stats', `/races/${newId()}`]) {
      expect((await get(path, 'sb-another')).status).toBe(401);
    }
  });
});
