import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPredictorTrainer } from '../../../src/central/learn/predictor-trainer.ts';
import { configSchema } from '../../../src/platform/config/schema.ts';
import type { Loop } from '../../../src/platform/core/loop.ts';
import { findNewestPredictor, insertPredictor, listPredictorTallies } from '../../../src/platform/store/predictors.ts';
import { silentLogger } from '../../../src/platform/telemetry/logger.ts';
import { createMetrics } from '../../../src/platform/telemetry/metrics.ts';
import { encodePredictor } from '../../../src/prediction/encode.ts';
import { findTopics } from '../../../src/prediction/topics.ts';
import { trainPredictor } from '../../../src/prediction/train.ts';
import { createPredictorReader } from '../../../src/router/snapshot/predictor-reader.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';
import { drain, eventOf, newId, send } from './support.ts';

const version = 1;
const centred = {
  version,
  centres: new Float32Array(3),
  predictor: trainPredictor(
    [],
    [{ name: 'gpt-6-sol', prior: { outcome: 0.9, strength: 10 } }],
    findTopics([Uint16Array.from([1, 2, 3])]),
  ),
};

describe('a predictor in use', () => {
  let database: TestDatabase;
  let trainer: Loop;

  beforeEach(async () => {
    database = await createTestDatabase();
    const { routing, learner } = configSchema.parse({ learner: { predictor: { interval_ms: 50 } } });
    const { pool, connectionString } = database;
    trainer = createPredictorTrainer({
      config: () => ({ routing, learner }),
      pool,
      connectionString,
      log: silentLogger(),
      metrics: createMetrics(),
    });
    const content = encodePredictor(centred);
    await insertPredictor(pool, { version, content, examples: 1000, outcomesBefore: 1000 }, 5);
  });
  afterEach(async () => {
    await trainer.stop();
    await database.drop();
  });

  /** Choices with the predictor or without, of which so many turn out bad. */
  async function answer(arm: 'used' | 'held_out', count: number, bad: number): Promise<void> {
    await send(
      database.pool,
      Array.from({ length: count }, (_, index) =>
        eventOf(newId(), { attempt: 0, outcome: index < bad ? 'failure' : 'success', predictor: { version, arm } }),
      ),
    );
    await drain(database.pool);
  }

  it('is read by routers, and no more once choices turn out worse with it than without', async () => {
    const reader = createPredictorReader(database.pool, silentLogger());
    await reader.read();
    expect(reader.current()).toMatchObject({ version, predictor: { models: ['gpt-6-sol'] } });

    await answer('used', 190, 10);
    await answer('held_out', 10, 1);
    await trainer.start();
    expect(await listPredictorTallies(database.pool)).toEqual(
      expect.arrayContaining([
        { version, arm: 'used', requests: 190, bad: 10 },
        { version, arm: 'held_out', requests: 10, bad: 1 },
      ]),
    );
    expect(await findNewestPredictor(database.pool)).toMatchObject({ version, isRetired: false });

    await answer('held_out', 26, 1);
    await answer('used', 500, 250);
    await expect
      .poll(() => findNewestPredictor(database.pool), { timeout: 10_000 })
      .toMatchObject({ version, isRetired: true });
    await reader.read();
    expect(reader.current()).toBeNull();
  });

  it('that cannot be read is none, and the scores serve on', async () => {
    await database.pool.query(`update predictors set content = '\\x00'`);
    const reader = createPredictorReader(database.pool, silentLogger());
    await reader.read();
    expect(reader.current()).toBeNull();
  });
});
