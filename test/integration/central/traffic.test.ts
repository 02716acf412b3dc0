import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Origin, Outcome, RoutingEvent } from '../../../src/contracts/event.ts';
import { maintainOnce } from '../../../src/central/maintain/maintenance.ts';
import { readTrafficSeries } from '../../../src/platform/store/traffic.ts';
import { readLatencies } from '../../../src/platform/store/traffic-latencies.ts';
import { markUnknownOutcomes } from '../../../src/platform/store/decision-tallies.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';
import { drain, newId, seedEvent, send } from './support.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

/** What the records say, by the definitions of the columns, one by one. */
const ofRecords = (keys: string): string => `
  select ${keys}, kind,
    count(*) filter (where made and attempt = 0 and kind = 'request')::int as requests,
    count(*) filter (where ended and attempt = 0 and kind = 'request'
      and not (uncalled and error_code in ('budget_exceeded', 'rate_limited')))::int as requests_ended,
    count(*) filter (where outcome = 'cancelled' and coalesce(error_code, 'client_left') = 'client_left' and kind = 'request')::int as requests_left,
    count(*) filter (where made and not uncalled)::int as calls,
    count(*) filter (where outcome = 'success')::int as answers,
    count(*) filter (where outcome in ('failure', 'timeout'))::int as failures,
    count(feedback_score)::int as feedback_count, coalesce(sum(feedback_score), 0)::float8 as feedback_sum,
    coalesce(sum(input_tokens), 0)::int as input_tokens, coalesce(sum(output_tokens), 0)::int as output_tokens,
    coalesce(sum(cost_usd::numeric), 0)::numeric(20, 9)::text as cost_usd
  from (
    select *, date_trunc('hour', timestamp) as hour, date_trunc('minute', timestamp) as minute,
      outcome not in ('routed', 'unknown') as ended, outcome = 'cancelled' and coalesce(error_code, 'hedge_lost') <> 'hedge_lost' as uncalled,
      expects_outcome or outcome not in ('routed', 'unknown') as made,
      case origin when 'race' then 'race' when 'shadow' then 'copy' else 'request' end as kind
    from routing_records
  ) as record
  group by ${keys}, kind order by ${keys}, kind`;

const ofSums = (table: string, keys: string): string => `
  select ${keys}, kind, requests::int, requests_ended::int, requests_left::int, calls::int, answers::int, failures::int,
    feedback_count::int, feedback_sum, input_tokens::int, output_tokens::int, cost_usd::numeric(20, 9)::text as cost_usd
  from ${table} order by ${keys}, kind`;

async function rowsOf(sql: string): Promise<unknown[]> {
  return (await database.pool.query<Record<string, unknown>>(sql)).rows;
}

/** One step in the life of a few decisions. Several may tell of the same attempt, in any order. */
const steps = fc.record({
  decision: fc.integer({ min: 0, max: 7 }),
  attempt: fc.constantFrom(0, 0, 0, 1, 2),
  kind: fc.constantFrom('routed', 'outcome', 'outcome', 'feedback', 'again'),
  outcome: fc.constantFrom<Outcome>('success', 'success', 'failure', 'timeout', 'cancelled'),
  errorCode: fc.constantFrom(null, 'spared', 'client_left', 'hedge_lost', 'rate_limited'),
  feedback: fc.constantFrom(0, 0.25, 1),
  tokens: fc.integer({ min: 0, max: 1000 }),
  costMicroUsd: fc.constantFrom(null, 0, 7, 12_345),
});
type Step = typeof steps extends fc.Arbitrary<infer T> ? T : never;

const origins: readonly Origin[] = ['auto', 'pinned', 'canary', 'race', 'shadow'];
/** Shortly before the end of an hour, ten days ago. */
const startMs = Math.floor(Date.now() / 3_600_000 - 240) * 3_600_000 + 3_510_000;

/** Decisions half a minute apart, so that minutes and an hour end between them. */
function eventsOf(run: string, life: readonly Step[]): RoutingEvent[] {
  const events: RoutingEvent[] = [];
  for (const step of life) {
    const last = events.at(-1);
    if (step.kind === 'again') {
      if (last !== undefined) events.push(last);
      continue;
    }
    const origin = origins[step.decision % origins.length] ?? 'auto';
    const isFeedback = step.kind === 'feedback';
    const event = seedEvent({
      decision_id: `${run}-0000-7000-8000-00000000000${step.decision}`,
      attempt: step.attempt,
      selected_model: step.attempt === 0 ? 'model-a' : 'model-b',
      selected_provider: step.decision % 2 === 0 ? 'p' : 'q',
      complexity: step.decision < 4 ? 'simple' : 'complex',
      origin: isFeedback ? 'feedback' : step.attempt > 0 && step.decision % 5 < 3 ? 'fallback' : origin,
      outcome: step.kind === 'routed' ? 'routed' : step.outcome,
      ...(step.decision === 5 ? { expects_outcome: false } : {}),
      ...(isFeedback ? { feedback_score: step.feedback } : {}),
      ...(step.kind === 'outcome'
        ? {
            response_time_ms: 10 + step.tokens,
            time_to_first_token_ms: step.tokens,
            input_tokens: step.tokens,
            output_tokens: 2 * step.tokens,
            cost_usd: step.costMicroUsd === null ? null : step.costMicroUsd / 1e6,
            error_code: step.outcome === 'cancelled' ? step.errorCode : null,
          }
        : {}),
    });
    events.push({ ...event, event_id: newId(), timestamp: new Date(startMs + 30_000 * step.decision).toISOString() });
  }
  return events;
}

it('sums what the records say, whatever came twice, late, in the wrong order or was corrected', async () => {
  const { pool } = database;
  let run = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(steps, { minLength: 5, maxLength: 60 }),
      fc.integer({ min: 1, max: 20 }),
      async (life, batchSize) => {
        run += 1;
        const events = eventsOf(run.toString(16).padStart(8, '0'), life);
        const middle = Math.floor(events.length / 2);
        await send(pool, events.slice(0, middle));
        await drain(pool, { batchSize });
        // Late outcomes of decisions that count as unknown by then.
        await markUnknownOutcomes(pool, 0, 1000);
        await send(pool, events.slice(middle));
        await drain(pool, { batchSize });
      },
    ),
    { numRuns: 12 },
  );
  const byHour = 'hour, provider, model';
  const hours = await rowsOf(ofRecords(byHour));
  expect(hours.length).toBeGreaterThan(10);
  const withoutEmpty = (rows: unknown[]): unknown[] =>
    rows.filter((row) => Object.values(row as object).some((value) => typeof value === 'number' && value !== 0));
  expect(withoutEmpty(await rowsOf(ofSums('traffic_hours', byHour)))).toEqual(withoutEmpty(hours));
  const byMinute = 'minute, provider, model';
  expect(withoutEmpty(await rowsOf(ofSums('traffic_minutes', byMinute)))).toEqual(
    withoutEmpty(await rowsOf(ofRecords(byMinute))),
  );

  const span = { since: new Date(startMs - 86_400_000), until: new Date(startMs + 7_200_000) };
  const [answers] = await rowsOf(
    `select count(*)::int as count from routing_records where outcome = 'success' and origin not in ('race', 'shadow')`,
  );
  for (const [seconds, of] of [
    [60, 'all'],
    [3600, 'all'],
    [3600, 'each'],
    [86_400, 'each'],
  ] as const) {
    const all = await readLatencies(pool, seconds, span, of, () => 'all');
    expect({ count: all.get('all')?.response.count }).toEqual(answers);
    expect({ count: all.get('all')?.firstToken.count }).toEqual(answers);
  }
  const [series] = await readTrafficSeries(pool, 'hour', span, 172_800);
  expect({ count: series?.requests.answers }).toEqual(answers);
});

it('keeps minutes for two days and hours for longer', async () => {
  const { pool } = database;
  await maintainOnce(pool, { records_days: 3650, processed_events_days: 7, audit_days: 400, instances_hours: 24 });
  expect(
    await rowsOf('select 1 from traffic_minutes union all select 1 from traffic_latencies where bucket_seconds = 60'),
  ).toEqual([]);
  expect(await rowsOf('select 1 from traffic_hours limit 1')).toHaveLength(1);
});
