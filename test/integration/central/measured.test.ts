import { afterEach, beforeEach, expect, test } from 'vitest';
import { findModel, upsertDiscoveredModels } from '../../../src/platform/store/models.ts';
import { aModel } from '../../support/catalogue.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';
import { drain, eventOf, newId, send } from './support.ts';

let database: TestDatabase;
beforeEach(async () => {
  database = await createTestDatabase();
});
afterEach(() => database.drop());

test('what routers measure stands in the catalogue: calls, success, times, feedback', async () => {
  const { pool } = database;
  await upsertDiscoveredModels(pool, [aModel('measured', 'p'), aModel('other', 'p')]);
  const answered = newId();
  const decision = { selected_model: 'measured', selected_provider: 'p' };
  await send(pool, [
    eventOf(answered, { ...decision, outcome: 'success', response_time_ms: 900, time_to_first_token_ms: 100 }),
    eventOf(newId(), { ...decision, outcome: 'success', response_time_ms: 1100, time_to_first_token_ms: 300 }),
    eventOf(newId(), { ...decision, outcome: 'timeout', response_time_ms: 5000 }),
    eventOf(newId(), { ...decision, outcome: 'cancelled', response_time_ms: 20 }),
    eventOf(newId(), { ...decision, selected_provider: 'unknown', outcome: 'success' }),
    eventOf(answered, { ...decision, origin: 'feedback', outcome: 'failure', feedback_score: 0.25 }),
  ]);
  await drain(pool);

  const model = await findModel(pool, 'p/measured');
  expect(model?.usage_count).toBe(3);
  expect(model?.performance).toEqual({
    avg_ttft_ms: 200,
    avg_completion_ms: 1000,
    success_rate: expect.closeTo(1 / 3, 10) as number,
    quality_score: 0.25,
  });
  expect((await findModel(pool, 'p/other'))?.usage_count).toBe(0);
});
