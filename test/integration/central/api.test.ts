import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCentral } from '../../../src/central/central.ts';
import { decisionsChannel, decisionsQueue, type RoutingEvent } from '../../../src/contracts/event.ts';
import { createLiveConfig } from '../../../src/platform/config/live.ts';
import { loadConfig } from '../../../src/platform/config/load.ts';
import { notify } from '../../../src/platform/postgres/notify.ts';
import { sendBatch } from '../../../src/platform/postgres/pgmq.ts';
import { registerInstance } from '../../../src/platform/store/instances.ts';
import {
  listResponseTimeTrends,
  listSuccessRates,
  listUsageByInstance,
} from '../../../src/platform/store/dashboard-views.ts';
import { findDecision } from '../../../src/platform/store/routing-records.ts';
import { silentLogger } from '../../../src/platform/telemetry/logger.ts';
import { createMetrics } from '../../../src/platform/telemetry/metrics.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';
import { eventOf, newId, queueLength, seedEvent } from './support.ts';

let database: TestDatabase;
let central: ReturnType<typeof createCentral>;

// Long polls: what happens soon happens because it was woken.
const config = loadConfig({
  env: {},
  cwd: '/',
  flags: {
    ports: { central: 0 },
    consumer: { poll_ms: 600_000, batch_size: 100 },
    learner: { interval_ms: 50 },
    instance_id: 'central-under-test',
  },
});

const explained = newId();
const events: RoutingEvent[] = [
  ...Array.from({ length: 120 }, (_, index) =>
    eventOf(newId(), { selected_model: 'o3', outcome: 'success', response_time_ms: 100 + index, cost_usd: 0.5 }),
  ),
  // All at one moment, so that paging has to tell them apart by more than the time.
  ...Array.from({ length: 45 }, () => seedEvent({ outcome: 'failure' })),
  eventOf(explained, { selected_model: 'tiny', complexity: 'simple', explanation: { summary: 'why' } }),
  eventOf(explained, { selected_model: 'tiny', complexity: 'simple', outcome: 'failure', error_code: 'boom' }),
  eventOf(explained, {
    selected_model: 'o3',
    complexity: 'simple',
    outcome: 'success',
    attempt: 1,
    origin: 'fallback',
  }),
];

beforeAll(async () => {
  database = await createTestDatabase();
  const { pool, connectionString } = database;
  central = createCentral({
    config: createLiveConfig(config),
    pool,
    connectionString,
    log: silentLogger(),
    metrics: createMetrics(),
  });
  await central.start();
  await sendBatch(pool, decisionsQueue, events);
  await notify(pool, decisionsChannel, '');
  while ((await queueLength(pool, decisionsQueue)) > 0) await new Promise((resolve) => setTimeout(resolve, 10));
});
afterAll(async () => {
  await central.stop();
  await database.drop();
});

async function get(path: string): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`http://127.0.0.1:${central.port()}${path}`);
  return { status: response.status, body: await response.json() };
}

interface Page {
  decisions: Array<Record<string, unknown>>;
  next: string | null;
}

async function getPage(query: string): Promise<Page> {
  const { status, body } = await get(`/decisions?${query}`);
  expect(status).toBe(200);
  return body as Page;
}

describe('/decisions', () => {
  it('gives every attempt once, the newest first, page by page', async () => {
    const seen: Array<Record<string, unknown>> = [];
    let query = 'limit=20';
    for (;;) {
      const page = await getPage(query);
      seen.push(...page.decisions);
      if (page.next === null) break;
      query = `limit=20&before=${page.next}`;
    }
    expect(seen).toHaveLength(167);
    expect(new Set(seen.map((record) => `${String(record['decision_id'])} ${String(record['attempt'])}`)).size).toBe(
      167,
    );
    const times = seen.map((record) => String(record['timestamp']));
    expect(times).toEqual(times.toSorted().toReversed());
  });

  it('can be asked for a part', async () => {
    const count = async (query: string): Promise<number> => (await getPage(`limit=500&${query}`)).decisions.length;
    expect(await count('model=o3')).toBe(121);
    expect(await count('model=o3&complexity=simple')).toBe(1);
    expect(await count('outcome=failure')).toBe(46);
    expect(await count('provider=nobody')).toBe(0);
    expect(await count('instance_id=singularity-1')).toBe(167);
    expect(await count(`decision_id=${explained}`)).toBe(2);
    expect((await getPage('model=tiny')).decisions).toMatchObject([{ explanation: null, error_code: 'boom' }]);
    expect((await getPage('model=tiny&explain=true')).decisions).toMatchObject([{ explanation: { summary: 'why' } }]);
  });

  it('shows all attempts of one decision', async () => {
    expect(await get(`/decisions/${explained}`)).toMatchObject({
      status: 200,
      body: {
        decision_id: explained,
        attempts: [
          { attempt: 0, outcome: 'failure', explanation: { summary: 'why' } },
          { attempt: 1, outcome: 'success', origin: 'fallback' },
        ],
      },
    });
    expect(await get(`/decisions/${newId()}`)).toMatchObject({ status: 404, body: { error: { code: 'not_found' } } });
    expect(await findDecision(database.pool, explained)).toMatchObject({ modelId: 'tiny', complexity: 'simple' });
  });
});

describe('/metrics/models', () => {
  it('gives counts, rates, latencies and scores', async () => {
    const { status, body } = await get('/metrics/models');
    expect(status).toBe(200);
    const { models } = body as { models: Array<Record<string, unknown>> };
    expect(models.map((row) => [row['model'], row['complexity']])).toEqual([
      ['gpt-4o', 'complex'],
      ['o3', 'complex'],
      ['o3', 'simple'],
      ['tiny', 'simple'],
    ]);
    expect(models[0]).toMatchObject({
      usage_count: 45,
      failure_count: 45,
      success_rate: 0,
      p95_ms: null,
      learned: false,
    });
    expect(models[1]).toMatchObject({ routed_count: 120, success_rate: 1, avg_response_time_ms: 159.5, cost_usd: 60 });
    expect(Number(models[1]?.['p50_ms'])).toBeGreaterThan(157);
    expect(Number(models[1]?.['p50_ms'])).toBeLessThan(162);

    expect(body).toMatchObject({ has_more: false });
    expect((await get('/metrics/models?limit=4')).body).toEqual(body);
    expect((await get('/metrics/models?limit=3')).body).toMatchObject({ models: models.slice(0, 3), has_more: true });
  });
});

describe('/scores and /instances', () => {
  it('show what was learned, why, and who knows it', async () => {
    const { pool } = database;
    await registerInstance(pool, {
      instanceId: 'router-1',
      service: 'router',
      version: '0.1.0',
      queueName: null,
      address: 'http://127.0.0.1:8001',
      startedAt: new Date(),
    });
    let scores = await get('/scores?model=o3&complexity=complex');
    while ((scores.body as { seq: number }).seq === 0) scores = await get('/scores?model=o3&complexity=complex');
    expect(scores).toMatchObject({
      status: 200,
      body: {
        seq: 1,
        scores: [{ model: 'o3', score: 2.8, catalogue_score: 2.5, success_rate: expect.closeTo(0.996, 3) as number }],
        history: [
          { seq: 1, old_score: 2.5, new_score: 2.8, reason: expect.stringContaining('after 120 answers') as string },
        ],
      },
    });
    expect((await get('/scores?model=tiny')).body).toMatchObject({ seq: 1, scores: [], history: [] });
    expect((await get('/instances')).body).toMatchObject({
      seq: 1,
      instances: [{ instance_id: 'router-1', applied_seq: 0, up_to_date: false }],
    });
  });
});

describe('the dashboard views', () => {
  it('run', async () => {
    const { pool } = database;
    expect(await listUsageByInstance(pool, 10)).toEqual([
      { instanceId: 'singularity-1', model: 'o3', usageCount: 121 },
      { instanceId: 'singularity-1', model: 'tiny', usageCount: 1 },
    ]);
    expect(await listSuccessRates(pool, 2)).toMatchObject([{ successPercent: 100 }, { successPercent: 100 }]);
    expect(await listResponseTimeTrends(pool, 10)).toEqual([
      { model: 'o3', complexity: 'complex', avgMs: 160, maxMs: 159.5 },
    ]);
  });
});

describe('the service', () => {
  it('is ready and measures itself', async () => {
    expect(await get('/health/readiness')).toMatchObject({ status: 200, body: { service: 'central', status: 'ok' } });
    const text = await (await fetch(`http://127.0.0.1:${central.port()}/metrics`)).text();
    expect(text).toContain('signalbox_events_consumed_total{outcome="success"} 121');
    expect(text).toContain('signalbox_consumer_lag_seconds_count 168');
    expect(text).toContain('signalbox_queue_length{queue="model_routing_decisions"}');
  });

  it('answers any query without a server error', async () => {
    const names = [
      'model',
      'provider',
      'complexity',
      'outcome',
      'instance_id',
      'decision_id',
      'before',
      'limit',
      'hours',
      'explain',
      'x',
    ];
    const value = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.constantFrom(
        '0',
        '-1',
        '1e9',
        'NaN',
        'true',
        '\0',
        newId(),
        Buffer.from('2025-02-31T00:00:00.000000Z 9').toString('base64url'),
      ),
      fc.string({ maxLength: 300 }).map((text) => Buffer.from(text).toString('base64url')),
    );
    const query = fc.array(fc.tuple(fc.constantFrom(...names), value), { maxLength: 4 });
    const path = fc.oneof(
      fc.constantFrom('/decisions', '/scores', '/metrics/models', '/instances'),
      value.map((id) => `/decisions/${encodeURIComponent(id)}`),
    );
    await fc.assert(
      fc.asyncProperty(path, query, async (where, pairs) => {
        const { status } = await get(`${where}?${new URLSearchParams(pairs).toString()}`);
        expect(status).toBeLessThan(500);
      }),
      { numRuns: 300 },
    );
  });
});
