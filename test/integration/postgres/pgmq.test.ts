import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scoreUpdatesPattern, scoreUpdatesQueue, scoreUpdatesRoutingKey } from '../../../src/contracts/event.ts';
import {
  bindTopic,
  createQueue,
  deleteBatch,
  dropQueue,
  listQueues,
  queueMetrics,
  readBatch,
  sendBatch,
  sendTopic,
  trimQueue,
} from '../../../src/platform/postgres/pgmq.ts';
import { hasTopics } from '../../../src/platform/postgres/pgmq-install.ts';
import { withTransaction } from '../../../src/platform/postgres/pool.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

describe('a queue', () => {
  it('gives back what was sent, in order, until it is deleted', async () => {
    const { pool } = database;
    const messages = [
      { text: 'quotes " \' and \\ and {braces}, ünïcode 🚦' },
      ['a', null, { nested: [1.5, true] }],
      'NULL',
      0,
      ...Array.from({ length: 496 }, (_, index) => ({ index })),
    ];
    await createQueue(pool, 'round_trip');
    await createQueue(pool, 'round_trip');

    const ids = await sendBatch(pool, 'round_trip', messages);
    const first = await readBatch(pool, 'round_trip', 60, 200);
    const rest = await readBatch(pool, 'round_trip', 60, 1000);
    expect([...first, ...rest].map(({ message }) => message)).toEqual(messages);
    expect([...first, ...rest].map(({ messageId }) => messageId)).toEqual(ids);
    expect(first[0]?.readCount).toBe(1);
    expect(first[0]?.enqueuedAt).toBeInstanceOf(Date);

    expect(await readBatch(pool, 'round_trip', 60, 1)).toEqual([]);
    expect(await deleteBatch(pool, 'round_trip', ids.slice(1))).toBe(499);
    expect(await deleteBatch(pool, 'round_trip', ids.slice(1))).toBe(0);
    expect(await queueMetrics(pool, 'round_trip')).toMatchObject({ length: 1, totalMessages: 500 });

    expect(await dropQueue(pool, 'round_trip')).toBe(true);
    expect(await dropQueue(pool, 'round_trip')).toBe(false);
    expect(await listQueues(pool)).not.toContain('round_trip');
  });

  it('gives a message again after its reader failed', async () => {
    const { pool } = database;
    await createQueue(pool, 'redelivery');
    await sendBatch(pool, 'redelivery', [{ once: true }]);

    const failing = withTransaction(pool, async (client) => {
      const batch = await readBatch(client, 'redelivery', 60, 10);
      await deleteBatch(
        client,
        'redelivery',
        batch.map(({ messageId }) => messageId),
      );
      throw new Error('after the delete');
    });
    await expect(failing).rejects.toThrow('after the delete');
    expect(await readBatch(pool, 'redelivery', 60, 10)).toMatchObject([{ message: { once: true } }]);
  });

  it('takes an empty batch, and has no age when it is empty', async () => {
    const { pool } = database;
    await createQueue(pool, 'empty');
    expect(await sendBatch(pool, 'empty', [])).toEqual([]);
    expect(await deleteBatch(pool, 'empty', [])).toBe(0);
    expect(await queueMetrics(pool, 'empty')).toEqual({ length: 0, oldestAgeSeconds: null, totalMessages: 0 });
  });
});

describe('topics', () => {
  it('reach every bound queue and those of the installation', async () => {
    const { pool } = database;
    expect(await hasTopics(pool)).toBe(true);
    await createQueue(pool, 'instance_a');
    await bindTopic(pool, scoreUpdatesPattern, 'instance_a');
    await bindTopic(pool, scoreUpdatesPattern, 'instance_a');

    expect(await sendTopic(pool, scoreUpdatesRoutingKey, { seq: 1 })).toBe(2);
    expect(await readBatch(pool, 'instance_a', 1, 10)).toMatchObject([{ message: { seq: 1 } }]);
    expect(await readBatch(pool, scoreUpdatesQueue, 1, 10)).toMatchObject([{ message: { seq: 1 } }]);

    await dropQueue(pool, 'instance_a');
    expect(await sendTopic(pool, scoreUpdatesRoutingKey, { seq: 2 })).toBe(1);
  });
});

describe('trimQueue', () => {
  it('keeps the newest messages that are young enough', async () => {
    const { pool } = database;
    await createQueue(pool, 'unread');
    const numbers = Array.from({ length: 10 }, (_, index) => index);
    await sendBatch(pool, 'unread', numbers);
    await pool.query("update pgmq.q_unread set enqueued_at = now() - interval '2 hours' where message = '8'");

    expect(await trimQueue(pool, 'unread', 20, 86_400)).toBe(0);
    expect(await trimQueue(pool, 'unread', 4, 3600)).toBe(7);
    const left = await readBatch(pool, 'unread', 1, 10);
    expect(left.map(({ message }) => message)).toEqual([6, 7, 9]);
    expect(await trimQueue(pool, 'unread', 0, 3600)).toBe(3);
  });

  it('takes no name that could be more than a name', async () => {
    await expect(trimQueue(database.pool, 'meta; drop schema pgmq', 1, 1)).rejects.toThrow(RangeError);
  });
});
