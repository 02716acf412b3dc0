import { decisionsQueue, scoreUpdatesPattern, scoreUpdatesQueue } from '../../contracts/event.ts';
import { bindTopic, createQueue } from './pgmq.ts';
import { hasTopics } from './pgmq-install.ts';
import type { Executor } from './pool.ts';

/** Where decisions go that cannot be consumed. */
export const decisionsDeadLetterQueue = `${decisionsQueue}_dlq`;

/** Makes the queues that every installation has; idempotent. Queues of single instances are made by these. */
export async function ensureQueues(db: Executor): Promise<void> {
  for (const queue of [decisionsQueue, decisionsDeadLetterQueue, scoreUpdatesQueue]) await createQueue(db, queue);
  if (await hasTopics(db)) await bindTopic(db, scoreUpdatesPattern, scoreUpdatesQueue);
}
