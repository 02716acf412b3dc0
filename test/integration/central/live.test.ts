import { afterAll, beforeAll, expect, it } from 'vitest';
import { createLive } from '../../../src/central/dashboard/live.ts';
import { silentLogger } from '../../../src/platform/telemetry/logger.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

it('has room again at once for those who went, also while they had stopped reading', async () => {
  const live = createLive({ pool: database.pool, log: silentLogger() });
  const gone = new AbortController();
  const stalled = live.listen(gone.signal)?.[Symbol.asyncIterator]();
  // It takes one piece of news and asks for no other.
  expect((await stalled?.next())?.value).toMatchObject({ overview: { open_incidents: 0 } });
  while (live.listen(gone.signal) !== undefined);
  gone.abort();
  const next = live.listen(new AbortController().signal)?.[Symbol.asyncIterator]();
  expect((await next?.next())?.value).toMatchObject({ topics: [] });
  await live.close();
  expect(await next?.next()).toMatchObject({ done: true });
});
