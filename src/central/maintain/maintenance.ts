import { scoreUpdatesQueue } from '../../contracts/event.ts';
import type { Config } from '../../platform/config/load.ts';
import type { Live } from '../../platform/core/live.ts';
import { createLoop, type Loop } from '../../platform/core/loop.ts';
import { tryWithAdvisoryLock } from '../../platform/postgres/advisory-lock.ts';
import { dropQueue, trimQueue } from '../../platform/postgres/pgmq.ts';
import type { Pool, PoolClient } from '../../platform/postgres/pool.ts';
import { decisionsDeadLetterQueue } from '../../platform/postgres/queues.ts';
import { pruneAudit } from '../../platform/store/audit-log.ts';
import { pruneBudgetLeases } from '../../platform/store/budget-leases.ts';
import { pruneTallies } from '../../platform/store/decision-tallies.ts';
import { deleteInstancesUnseenFor } from '../../platform/store/instances.ts';
import { pruneEvidence } from '../../platform/store/learner-evidence.ts';
import { pruneLatencySketches } from '../../platform/store/latency-sketches.ts';
import { pruneProcessedEvents } from '../../platform/store/processed-events.ts';
import { pruneRaceLanes } from '../../platform/store/race-results.ts';
import { pruneObservations } from '../../platform/store/rollout-observations.ts';
import { dropRecordsOlderThan, ensureRecordPartitions } from '../../platform/store/routing-records.ts';
import { pruneScoreUpdates } from '../../platform/store/score-updates.ts';
import { pruneSpending } from '../../platform/store/spending.ts';
import { pruneTrafficLatencies } from '../../platform/store/traffic-latencies.ts';
import { pruneTrafficHours, pruneTrafficMinutes } from '../../platform/store/traffic.ts';
import type { Logger } from '../../platform/telemetry/logger.ts';
import type { Metrics } from '../../platform/telemetry/metrics.ts';

type Retention = Config['retention'];

export interface MaintenanceResult {
  partitionsMade: number;
  partitionsDropped: string[];
  instancesRemoved: string[];
  rowsDeleted: number;
  messagesTrimmed: number;
  /** Some deletion reached its limit. */
  more: boolean;
}

const intervalMs = 600_000;
const partitionDaysAhead = 7;
/** Hourly latencies, traffic and spending and the log of scores are small, and worth comparing over a year. */
const historyDays = 366;
/** Evidence that no learner has taken for so long is too old to count. */
const evidenceDays = 7;
/** A rollout that nobody has looked after for so long is judged by what comes when somebody does. */
const observationDays = 7;
/** `consumer.unknown_after_s` is a week at the most; the hour before it is looked at. */
const tallyDays = 8;
/** Rows that one deletion takes at most, so that no transaction is long. */
const deletionLimit = 20_000;

const day = 86_400;
/** Nobody need read these queues, so they are kept short. */
const trimmedQueues = [
  { queue: scoreUpdatesQueue, keepNewest: 10_000, maxAgeSeconds: 7 * day },
  { queue: decisionsDeadLetterQueue, keepNewest: 100_000, maxAgeSeconds: 366 * day },
];

/** Makes what will be needed and removes what is no longer kept. Undefined when another process is at it. */
export async function maintainOnce(pool: Pool, retention: Retention): Promise<MaintenanceResult | undefined> {
  const attempt = await tryWithAdvisoryLock(pool, 'maintenance', (client) => maintain(client, retention));
  return attempt.ran ? attempt.value : undefined;
}

async function maintain(client: PoolClient, retention: Retention): Promise<MaintenanceResult> {
  const deletions = [
    await pruneProcessedEvents(client, retention.processed_events_days, deletionLimit),
    await pruneLatencySketches(client, historyDays, deletionLimit),
    await pruneScoreUpdates(client, historyDays, deletionLimit),
    await pruneSpending(client, historyDays, deletionLimit),
    await pruneTrafficHours(client, historyDays, deletionLimit),
    await pruneTrafficMinutes(client, deletionLimit),
    await pruneTrafficLatencies(client, historyDays, deletionLimit),
    await pruneBudgetLeases(client, deletionLimit),
    await pruneEvidence(client, evidenceDays, deletionLimit),
    await pruneTallies(client, tallyDays, deletionLimit),
    await pruneRaceLanes(client, retention.records_days, deletionLimit),
    await pruneObservations(client, observationDays, deletionLimit),
    await pruneAudit(client, retention.audit_days, deletionLimit),
  ];
  let messagesTrimmed = 0;
  for (const { queue, keepNewest, maxAgeSeconds } of trimmedQueues) {
    messagesTrimmed += await trimQueue(client, queue, keepNewest, maxAgeSeconds);
  }
  const instances = await deleteInstancesUnseenFor(client, retention.instances_hours);
  for (const { queueName } of instances) if (queueName !== null) await dropQueue(client, queueName);
  // Last, because it locks the table: the transaction ends right after it.
  const partitionsMade = await ensureRecordPartitions(client, partitionDaysAhead);
  const dropped = await dropRecordsOlderThan(client, retention.records_days, deletionLimit);
  deletions.push(dropped.rows);
  return {
    partitionsMade,
    partitionsDropped: dropped.partitions,
    instancesRemoved: instances.map((instance) => instance.instanceId),
    rowsDeleted: deletions.reduce((sum, rows) => sum + rows, 0),
    messagesTrimmed,
    more: deletions.includes(deletionLimit),
  };
}

/** Maintains on a schedule. Any number may run; one at a time maintains. */
export function createMaintenance(options: {
  config: Live<Pick<Config, 'retention'>>;
  pool: Pool;
  log: Logger;
  metrics: Metrics;
}): Loop {
  const { config, pool, log, metrics } = options;
  return createLoop({
    name: 'maintenance',
    intervalMs,
    log,
    failures: metrics.counter('signalbox_loop_failures_total'),
    async runOnce() {
      const result = await maintainOnce(pool, config().retention);
      if (result === undefined) return undefined;
      log.debug({ ...result }, 'maintained');
      return result.more ? 'again' : undefined;
    },
  });
}
