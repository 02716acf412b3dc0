import { type ScoreUpdate, scoresChannel, scoreUpdatesQueue, scoreUpdatesRoutingKey } from '../../contracts/event.ts';
import { notify } from '../../platform/postgres/notify.ts';
import { listQueues, sendBatch, sendTopic } from '../../platform/postgres/pgmq.ts';
import { hasTopics } from '../../platform/postgres/pgmq-install.ts';
import type { PoolClient } from '../../platform/postgres/pool.ts';
import { type LearnedScore, upsertComplexityScores } from '../../platform/store/complexity-scores.ts';
import { listInstances } from '../../platform/store/instances.ts';
import { insertScoreUpdates, type ScoreChange } from '../../platform/store/score-updates.ts';

/** A score that the learner decided on. */
export interface ScoreDecision extends Omit<LearnedScore, 'seq' | 'score' | 'updatedAt'> {
  oldScore: number;
  newScore: number;
  /** How many outcomes the belief rests on; null where the rule knows none. */
  strength: number | null;
}

/**
 * Makes scores the current ones and tells everybody, in the transaction of `client`: the table with its sequence is the
 * truth, the queues and the notification only bring it sooner. At most one decision for each (model, complexity).
 */
export async function publishScores(client: PoolClient, decisions: readonly ScoreDecision[]): Promise<void> {
  if (decisions.length === 0) return;
  const changes = await insertScoreUpdates(client, decisions);
  await upsertComplexityScores(
    client,
    decisions.map((decision, index) => ({
      ...decision,
      score: decision.newScore,
      // The changes come back in the order of the decisions.
      seq: changes[index]?.seq ?? 0,
    })),
  );
  await broadcast(client, changes.map(toEvent));
  await notify(client, scoresChannel, String(changes.at(-1)?.seq ?? ''));
}

async function broadcast(client: PoolClient, events: readonly ScoreUpdate[]): Promise<void> {
  if (await hasTopics(client)) {
    for (const event of events) await sendTopic(client, scoreUpdatesRoutingKey, event);
    return;
  }
  const existing = new Set(await listQueues(client));
  const instances = await listInstances(client);
  const queues = new Set([scoreUpdatesQueue, ...instances.flatMap((instance) => instance.queueName ?? [])]);
  for (const queue of queues) if (existing.has(queue)) await sendBatch(client, queue, events);
}

function toEvent(change: ScoreChange): ScoreUpdate {
  return {
    timestamp: change.timestamp.toISOString(),
    event_type: 'model_score_update',
    model: change.model,
    complexity: change.complexity,
    old_score: change.oldScore,
    new_score: change.newScore,
    reason: change.reason,
    seq: change.seq,
    n_eff: change.strength ?? change.sampleSize,
    ...(change.interval === null ? {} : { interval: change.interval }),
    p95_ms: change.p95Ms,
  };
}
