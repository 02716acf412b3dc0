import { createHash } from 'node:crypto';

/** pgmq's longest queue name. */
const maxQueueNameLength = 47;

/** The queue on which an instance hears of new scores: readable where the id is short, always valid and unique. */
export function scoreQueueName(instanceId: string): string {
  const readable = `sb_scores_${instanceId.toLowerCase().replaceAll(/[^a-z0-9_]/g, '_')}`;
  const digest = createHash('sha256').update(instanceId).digest('hex').slice(0, 8);
  return `${readable.slice(0, maxQueueNameLength - digest.length - 1)}_${digest}`;
}
