import { afterAll, beforeAll, expect, it } from 'vitest';
import { listRecords, type RecordFilter } from '../../../src/platform/store/record-pages.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';

let database: TestDatabase;

const count = 25_000;
/** One decision a second; the oldest is the first. */
const firstMs = Math.floor(Date.now() / 1000 - count) * 1000;

/** Of every thousand decisions one fails, and the oldest alone was dear. */
beforeAll(async () => {
  database = await createTestDatabase();
  await database.pool.query(
    `insert into routing_records (timestamp, instance_id, complexity, model, provider, score, outcome, decision_id, origin,
       requested_model, query_type, cost_usd, response_time_ms)
     select to_timestamp($1::float8 / 1000 + n), 'i', 'simple', 'm', 'p', 3, case when n % 1000 = 7 then 'failure' else 'success' end,
       gen_random_uuid(), case when n % 2 = 0 then 'auto' else 'pinned' end, 'auto', 'simple',
       case when n = 0 then 5 else 0.001 end, n % 100
     from generate_series(0, $2::integer - 1) as n order by n`,
    [firstMs, count],
  );
});
afterAll(() => database.drop());

interface Search {
  pages: number;
  emptyPages: number;
  found: number;
  searchedUntil: string[];
}

/** Follows the pages to the end. */
async function search(filter: RecordFilter, limit: number): Promise<Search> {
  const seen: Search = { pages: 0, emptyPages: 0, found: 0, searchedUntil: [] };
  const ids = new Set<string>();
  for (let before: string | undefined; ;) {
    const page = await listRecords(database.pool, filter, { before, limit });
    const records = page?.records ?? [];
    seen.pages += 1;
    seen.emptyPages += records.length === 0 ? 1 : 0;
    for (const record of records) ids.add(record.decision_id);
    seen.found += records.length;
    if (page?.searchedUntil != null) seen.searchedUntil.push(page.searchedUntil);
    if (page?.next == null) break;
    before = page.next;
  }
  expect(ids.size).toBe(seen.found);
  return seen;
}

it('looks at a bounded number of records a page, and finds all that match over the pages', async () => {
  const dear = await search({ min_cost_usd: 1 }, 50);
  expect(dear).toMatchObject({ pages: 3, emptyPages: 2, found: 1 });
  expect(dear.searchedUntil.map((time) => (Date.parse(time) - firstMs) / 1000)).toEqual([15_000, 5000]);
  expect(await search({ origin: 'pinned', min_latency_ms: 99 }, 100)).toMatchObject({ found: 250 });
});

it('finds errors without looking at what went well', async () => {
  expect(await search({ errors: true }, 500)).toMatchObject({ pages: 1, found: 25 });
  expect(await search({ outcome: 'failure' }, 20)).toMatchObject({ pages: 2, found: 25 });
  const { rows } = await database.pool.query<{ 'QUERY PLAN': string }>(
    `explain select * from routing_records where outcome in ('failure', 'timeout', 'cancelled', 'unknown')
     order by timestamp desc, id desc limit 20`,
  );
  expect(rows.map((row) => row['QUERY PLAN']).join('\n')).toContain('timestamp_id_idx');
});

it('stays within the times that are asked for', async () => {
  const at = (second: number): string => new Date(firstMs + 1000 * second).toISOString();
  const [page, none] = await Promise.all([
    listRecords(database.pool, { since: at(100), until: at(110) }, { limit: 50 }),
    listRecords(database.pool, { until: at(0) }, { limit: 50 }),
  ]);
  expect(page?.records.map(({ timestamp }) => (Date.parse(timestamp) - firstMs) / 1000)).toEqual([
    109, 108, 107, 106, 105, 104, 103, 102, 101, 100,
  ]);
  expect([page?.next, none?.records]).toEqual([null, []]);
});
