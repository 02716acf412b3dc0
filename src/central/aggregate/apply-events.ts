import { observationsChannel } from '../../contracts/rollout.ts';
import { notify } from '../../platform/postgres/notify.ts';
import type { PoolClient } from '../../platform/postgres/pool.ts';
import { addTallies } from '../../platform/store/decision-tallies.ts';
import { insertEvidence } from '../../platform/store/learner-evidence.ts';
import { mergeLatencySketches } from '../../platform/store/latency-sketches.ts';
import { addSpending } from '../../platform/store/spending.ts';
import { addTraffic } from '../../platform/store/traffic.ts';
import { mergeTrafficLatencies } from '../../platform/store/traffic-latencies.ts';
import { addMeasuredUsage } from '../../platform/store/model-usage.ts';
import { addMetrics } from '../../platform/store/model-routing-metrics.ts';
import { addPredictorTallies } from '../../platform/store/predictors.ts';
import { deleteProcessedEvents, insertProcessedEvents } from '../../platform/store/processed-events.ts';
import { upsertRaceLanes } from '../../platform/store/race-results.ts';
import { insertObservations } from '../../platform/store/rollout-observations.ts';
import {
  insertRecords,
  lockRecords,
  lockRecordsOfAnyTime,
  type LockedRecord,
  updateRecords,
} from '../../platform/store/routing-records.ts';
import { type DecisionEvent, isFeedback, isPair, isVerdict } from '../consume/parse-message.ts';
import { mergeEvents } from './merge-events.ts';

export interface Applied {
  /** Events that took effect now. */
  counted: DecisionEvent[];
  /** How many had taken effect before. */
  duplicates: number;
  /** How many were further outcomes of attempts that had ended. */
  ignored: number;
  /** How many came for decisions that counted as unknown. */
  late: number;
  /** Feedback that came before what it is about; it left no trace and is to be given again. */
  postponed: DecisionEvent[];
}

/** Another transaction opened one of the records after they were read; the same events can be applied again. */
export class RecordConflict extends Error {
  constructor() {
    super('a record was opened by another consumer at the same time');
    this.name = 'RecordConflict';
  }
}

/**
 * Counts events exactly once: those whose id was seen before change nothing. Everything happens in the transaction of
 * `client`. Each statement takes its rows in key order and all callers go through the tables in the same order, so that
 * consumers do not block each other in a circle. Before `turn` resolves, only the ids are written.
 *
 * Throws a RecordConflict, after which the transaction (or savepoint) has to be rolled back.
 */
export async function applyEvents(
  client: PoolClient,
  events: readonly DecisionEvent[],
  nowMs: number,
  turn: () => Promise<void> = () => Promise.resolve(),
): Promise<Applied> {
  const first = new Map(events.toReversed().map((event) => [event.eventId, event]));
  const newIds = await insertProcessedEvents(client, [...first.keys()]);
  const fresh = events.filter((event) => newIds.has(event.eventId) && first.get(event.eventId) === event);

  await turn();
  const merge = mergeEvents(await readRecords(client, fresh), fresh, nowMs);
  if ((await insertRecords(client, merge.created)) < merge.created.length) throw new RecordConflict();
  await updateRecords(client, merge.changed);
  await addMetrics(client, merge.changes.deltas());
  await mergeLatencySketches(client, merge.changes.latencies());
  await addMeasuredUsage(client, merge.usage.usages());
  await insertEvidence(client, merge.evidence.rows());
  await addPredictorTallies(client, merge.predictors.tallies());
  await addTallies(client, merge.tallies);
  await addSpending(client, merge.spending.changes());
  await addTraffic(client, merge.traffic.changes());
  await mergeTrafficLatencies(client, merge.traffic.latencies());
  await upsertRaceLanes(client, merge.races.changes());
  const observations = merge.rollouts.observations();
  await insertObservations(client, observations);
  if (observations.length > 0) await notify(client, observationsChannel, '');
  await deleteProcessedEvents(
    client,
    merge.postponed.map((event) => event.eventId),
  );

  const notCounted = new Set([...merge.postponed, ...merge.ignored]);
  return {
    counted: fresh.filter((event) => !notCounted.has(event)),
    duplicates: events.length - fresh.length,
    ignored: merge.ignored.length,
    late: merge.late,
    postponed: merge.postponed,
  };
}

async function readRecords(client: PoolClient, events: readonly DecisionEvent[]): Promise<LockedRecord[]> {
  const feedback = new Set(idsOf(events.filter(isFeedback)));
  // A verdict that is no label touches no record, nor does the pair of a copy.
  const others = events.filter((event) => !feedback.has(event.decisionId) && !isVerdict(event) && !isPair(event));
  const records = feedback.size === 0 ? [] : await lockRecordsOfAnyTime(client, [...feedback]);
  if (others.length === 0) return records;
  const times = others.map((event) => Date.parse(event.timestamp)).sort((a, b) => a - b);
  const found = await lockRecords(client, idsOf(others), { first: times[0] ?? 0, last: times.at(-1) ?? 0 });
  return [...records, ...found];
}

function idsOf(events: readonly DecisionEvent[]): string[] {
  return [...new Set(events.map((event) => event.decisionId))].sort();
}
