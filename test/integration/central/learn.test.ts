import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { publishScores } from '../../../src/central/broadcast/publish-scores.ts';
import { learnOnce } from '../../../src/central/learn/learner.ts';
import { restoreScores } from '../../../src/central/learn/restore-scores.ts';
import { loadConfig } from '../../../src/platform/config/load.ts';
import { listCellBeliefs } from '../../../src/platform/store/learner-cells.ts';
import { successRateOf } from '../../../src/statistics/score-scale.ts';
import {
  type RoutingEvent,
  scoresChannel,
  type ScoreUpdate,
  scoreUpdateSchema,
  scoreUpdatesPattern,
  scoreUpdatesQueue,
} from '../../../src/contracts/event.ts';
import { bindTopic, createQueue, readBatch } from '../../../src/platform/postgres/pgmq.ts';
import { withTransaction } from '../../../src/platform/postgres/pool.ts';
import { listComplexityScores } from '../../../src/platform/store/complexity-scores.ts';
import { registerInstance } from '../../../src/platform/store/instances.ts';
import { listNewestScoreUpdates, listScoreUpdatesAfter } from '../../../src/platform/store/score-updates.ts';
import { operator } from '../../support/author.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';
import { drain, eventOf, newId, send } from './support.ts';

let database: TestDatabase;
beforeEach(async () => {
  database = await createTestDatabase();
});
afterEach(() => database.drop());

const settings = loadConfig({ env: {}, cwd: '/nonexistent' }).learner;
const rule = { ...settings, kind: 'threshold' as const };

/** Outcomes of separate decisions: `successes` good ones of `count`. */
function answers(model: string, count: number, successes: number, responseTimeMs: number): RoutingEvent[] {
  return Array.from({ length: count }, (_, index) =>
    eventOf(newId(), {
      selected_model: model,
      outcome: index < successes ? 'success' : 'failure',
      response_time_ms: responseTimeMs,
    }),
  );
}

async function addModel(modelId: string, provider: string, complexScore: number): Promise<void> {
  await database.pool.query(
    `insert into models (provider, model_id, status, capabilities, input_modalities, output_modalities, simple_score,
       medium_score, complex_score, source)
     values ($1, $2, 'stable', '{}', '{text}', '{text}', 1, 1, $3, 'discovered')`,
    [provider, modelId, complexScore],
  );
}

async function readScores(queue: string): Promise<ScoreUpdate[]> {
  const messages = await readBatch(database.pool, queue, 30, 100);
  return messages.map(({ message }) => scoreUpdateSchema.parse(message));
}

async function bindInstances(): Promise<string[]> {
  const queues = ['sb_scores_one', 'sb_scores_two'];
  for (const queue of queues) {
    await createQueue(database.pool, queue);
    await bindTopic(database.pool, scoreUpdatesPattern, queue);
    await registerInstance(database.pool, {
      instanceId: queue,
      service: 'router',
      version: '0',
      queueName: queue,
      address: null,
      startedAt: new Date(),
    });
  }
  return queues;
}

describe('the learner by thresholds', () => {
  it('tells every instance and the seed’s queue of a learned score, in the seed’s words', async () => {
    const { pool } = database;
    const queues = await bindInstances();
    await addModel('gpt-4o', 'cheap', 3.9);
    await addModel('gpt-4o', 'dear', 4.2);
    await send(pool, answers('gpt-4o', 104, 101, 840));
    await drain(pool);

    const listener = await pool.connect();
    const notified = new Promise((resolve) => listener.on('notification', (message) => resolve(message.payload)));
    await listener.query(`listen ${scoresChannel}`);
    try {
      expect(await learnOnce(pool, rule)).toEqual({ cells: 1, published: 1, below: 0, alarms: [], more: false });
      expect(await notified).toBe('1');
    } finally {
      listener.release(true);
    }

    for (const queue of [...queues, scoreUpdatesQueue]) {
      const [update, ...more] = await readScores(queue);
      expect(more).toEqual([]);
      expect(update).toMatchObject({
        event_type: 'model_score_update',
        model: 'gpt-4o',
        complexity: 'complex',
        old_score: 4.2,
        new_score: 4.5,
        reason: 'success 97.1% over 104 answers, mean 840 ms: score 4.20 → 4.50',
        seq: 1,
        n_eff: 104,
      });
      expect(Math.abs((update?.p95_ms ?? 0) - 840)).toBeLessThan(8.5);
    }
    const { rows, seq } = await listComplexityScores(pool);
    expect(seq).toBe(1);
    expect(rows).toMatchObject([
      { model: 'gpt-4o', complexity: 'complex', score: 4.5, priorScore: 4.2, sampleSize: 104 },
    ]);
    expect(await listScoreUpdatesAfter(pool, 0, 10)).toMatchObject([{ seq: 1, oldScore: 4.2, newScore: 4.5 }]);
    expect(await listScoreUpdatesAfter(pool, 1, 10)).toEqual([]);
  });

  it('learns nothing from the same evidence twice, and from new evidence alone', async () => {
    const { pool } = database;
    await send(pool, answers('unlisted', 100, 50, 100));
    await drain(pool);
    expect(await learnOnce(pool, rule)).toMatchObject({ cells: 1, published: 1 });
    const learned = await listComplexityScores(pool);
    // The catalogue does not know it: from the middle of the scale, down by one step.
    expect(learned.rows).toMatchObject([{ model: 'unlisted', score: 2.2, priorScore: 2.5 }]);
    expect(await learnOnce(pool, rule)).toMatchObject({ cells: 0, published: 0, below: 0 });

    await send(pool, answers('unlisted', 99, 99, 100));
    await drain(pool);
    expect(await learnOnce(pool, rule)).toMatchObject({ cells: 0, published: 0, below: 1 });
    expect(await listComplexityScores(pool)).toEqual(learned);

    await send(pool, answers('unlisted', 1, 1, 100));
    await drain(pool);
    expect(await learnOnce(pool, rule)).toMatchObject({ cells: 1, published: 1, below: 0 });
    expect((await listComplexityScores(pool)).rows).toMatchObject([{ score: 2.5, successRate: 1, seq: 2 }]);
  });

  it('is one at a time, and leaves no trace when it fails', async () => {
    const { pool } = database;
    await send(pool, answers('gpt-4o', 100, 50, 100));
    await drain(pool);
    await pool.query('alter table learner_watermarks add constraint refuse check (usage_count < 0)');
    await expect(learnOnce(pool, rule)).rejects.toThrow(/refuse/);
    expect(await listComplexityScores(pool)).toEqual({ rows: [], seq: 0 });
    expect(await readScores(scoreUpdatesQueue)).toEqual([]);
    await pool.query('alter table learner_watermarks drop constraint refuse');

    const results = await Promise.all([1, 2, 3].map(() => learnOnce(pool, rule)));
    expect(results.reduce((sum, result) => sum + (result?.published ?? 0), 0)).toBe(1);
    expect(await readScores(scoreUpdatesQueue)).toHaveLength(1);
  });
});

describe('the bayesian learner', () => {
  const learn = (): ReturnType<typeof learnOnce> => learnOnce(database.pool, settings);

  it('moves a score when it is sure, with interval and reason, and keeps what it believes', async () => {
    const { pool } = database;
    await addModel('gpt-4o', 'cheap', 4.2);
    await send(pool, answers('gpt-4o', 50, 43, 840));
    await drain(pool);
    expect(await learn()).toEqual({ cells: 1, published: 0, below: 1, alarms: [], more: false });
    expect((await listComplexityScores(pool)).rows).toEqual([]);

    await send(pool, answers('gpt-4o', 150, 129, 840));
    await drain(pool);
    expect(await learn()).toMatchObject({ cells: 1, published: 1, below: 0 });
    const [update] = await readScores(scoreUpdatesQueue);
    expect(update).toMatchObject({ model: 'gpt-4o', complexity: 'complex', old_score: 4.2, seq: 1 });
    expect(update?.new_score).toBeLessThanOrEqual(3.9);
    expect(update?.reason).toMatch(
      /success \d\d\.\d% \(90% sure: \d\d\.\d% to \d\d\.\d%\) after \d+ answers.*: score 4\.20 → /,
    );
    const [low = 5, high = 0] = update?.interval ?? [];
    expect(low).toBeLessThan(high);

    const [belief] = await listCellBeliefs(pool);
    expect(belief).toMatchObject({ model: 'gpt-4o', complexity: 'complex', refinements: [] });
    expect(await learn()).toEqual({ cells: 0, published: 0, below: 0, alarms: [], more: false });
    expect(await listCellBeliefs(pool)).toEqual([belief]);
  });

  it('takes a model that breaks down at once, however long it did well', async () => {
    const { pool } = database;
    await addModel('gpt-4o', 'cheap', 4.2);
    await send(pool, answers('gpt-4o', 2000, 1900, 840));
    await drain(pool);
    await learn();
    await send(pool, answers('gpt-4o', 60, 10, 840));
    await drain(pool);
    expect(await learn()).toMatchObject({
      published: 1,
      alarms: [{ model: 'gpt-4o', complexity: 'complex', change: 'worse' }],
    });
    const [newest] = await listNewestScoreUpdates(pool, {}, 1);
    expect(newest?.reason).toMatch(/^fails far more than before; /);
    expect(newest?.newScore).toBeLessThan(3.5);
  });

  it('is not believed when it has not been kept up for an hour, and cannot store what is no rate', async () => {
    const { pool } = database;
    await send(pool, answers('gpt-4o', 50, 43, 840));
    await drain(pool);
    await learn();
    expect(await listCellBeliefs(pool)).toHaveLength(1);
    await expect(pool.query("update learner_cells set success_rate = 'NaN'")).rejects.toThrow(/check/);
    await pool.query("update learner_cells set aged_at = now() - interval '61 minutes'");
    expect(await listCellBeliefs(pool)).toEqual([]);
  });

  it('puts scores back to any earlier update, or to the catalogue, and learns on from there', async () => {
    const { pool } = database;
    await addModel('gpt-4o', 'cheap', 4.2);
    for (const successes of [129, 105, 45]) {
      await send(pool, answers('gpt-4o', 150, successes, 840));
      await drain(pool);
      await learn();
    }
    const history = await listScoreUpdatesAfter(pool, 0, 10);
    expect(history.length).toBeGreaterThanOrEqual(2);
    const first = history[0];
    await send(pool, answers('gpt-4o', 150, 0, 840));
    await drain(pool);

    expect(await restoreScores(pool, { seq: first?.seq ?? 0, models: null }, operator)).toMatchObject([
      { model: 'gpt-4o', complexity: 'complex', newScore: first?.newScore },
    ]);
    expect((await listComplexityScores(pool)).rows).toMatchObject([{ score: first?.newScore }]);
    // What was observed before has led to the scores that are not wanted.
    expect(await learn()).toMatchObject({ cells: 0 });
    const [belief] = await listCellBeliefs(pool);
    expect(belief).toMatchObject({ strength: 10 });
    expect(belief?.successRate).toBeCloseTo(successRateOf(first?.newScore ?? 0), 9);

    expect(await restoreScores(pool, { seq: null, models: ['gpt-4o'] }, operator)).toMatchObject([{ newScore: 4.2 }]);
    expect(await listCellBeliefs(pool)).toEqual([]);
    expect((await listNewestScoreUpdates(pool, {}, 1))[0]?.reason).toMatch(/^put back to the catalogue: /);
  });
});

describe('publishing', () => {
  it('reaches each instance’s queue and the seed’s where pgmq has no topics', async () => {
    const { pool } = database;
    const queues = await bindInstances();
    await registerInstance(pool, {
      instanceId: 'gone',
      service: 'router',
      version: '0',
      queueName: 'sb_scores_gone',
      address: null,
      startedAt: new Date(),
    });
    // What an older pgmq lacks.
    await pool.query('drop function pgmq.send_topic(text, jsonb)');
    const decision = {
      complexity: 'simple' as const,
      oldScore: 1,
      newScore: 1.3,
      priorScore: 1,
      sampleSize: 100,
      successRate: 1,
      avgResponseTimeMs: null,
      p95Ms: null,
      interval: null,
      strength: null,
      reason: 'because',
    };
    await withTransaction(pool, (client) =>
      publishScores(client, [
        { ...decision, model: 'z' },
        { ...decision, model: 'a' },
      ]),
    );
    for (const queue of [...queues, scoreUpdatesQueue]) {
      expect((await readScores(queue)).map((update) => [update.model, update.seq])).toEqual([
        ['z', 1],
        ['a', 2],
      ]);
    }
    expect((await listComplexityScores(pool)).rows).toMatchObject([
      { model: 'a', seq: 2 },
      { model: 'z', seq: 1 },
    ]);
  });
});
