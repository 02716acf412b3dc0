import type { EvidenceRow } from '../../platform/store/learner-evidence.ts';
import type { WrittenRecord } from '../../platform/store/routing-records.ts';
import { isModelsFault, isTerminal, isUnjudgedLane } from './record.ts';
import { queryTypeSchema } from '../../contracts/query-class.ts';

/** What a batch of events tells the learner of each model, complexity, query type, provider and instance. */
export interface EvidenceChanges {
  /** The attempt has ended, for the first time; nothing while it is open, and nothing for a cancelled one. */
  countOutcome(record: WrittenRecord): void;
  /** The feedback of an ended attempt is now another. */
  correct(before: WrittenRecord, after: WrittenRecord): void;
  rows(): EvidenceRow[];
}

const halfLifeMs = 86_400_000;
/** Older evidence is not worth counting. */
const oldestMs = 7 * halfLifeMs;

/** `nowMs` by the clock of the database, as in `ageMs`: those of the instances may be wrong. */
export function createEvidenceChanges(nowMs: number): EvidenceChanges {
  const rows = new Map<string, EvidenceRow>();

  function rowOf(record: WrittenRecord): EvidenceRow {
    const { model, complexity, query_type, provider, instance_id } = record;
    const key = JSON.stringify([model, complexity, query_type, provider, instance_id]);
    let row = rows.get(key);
    if (row === undefined) {
      row = {
        model,
        complexity,
        queryType: queryTypeSchema.safeParse(query_type).data ?? null,
        provider,
        instanceId: instance_id,
        requests: 0,
        successes: 0,
        failures: 0,
        responseTimes: 0,
        responseTimeSumMs: 0,
      };
      rows.set(key, row);
    }
    return row;
  }

  function weightOf(record: WrittenRecord): number {
    const ageMs = Math.max(0, nowMs - Date.parse(record.timestamp));
    return ageMs > oldestMs ? 0 : 2 ** (-ageMs / halfLifeMs);
  }

  return {
    countOutcome(record) {
      const worth = worthOf(record);
      const weight = weightOf(record);
      if (worth === null || weight === 0) return;
      const row = rowOf(record);
      row.requests += 1;
      row.successes += weight * worth;
      row.failures += weight * (1 - worth);
      if (record.outcome !== 'success' || record.response_time_ms === null) return;
      row.responseTimes += 1;
      row.responseTimeSumMs += record.response_time_ms;
    },
    correct(before, after) {
      const worth = worthOf(after);
      const weight = weightOf(after);
      if (worth === null || weight === 0) return;
      const previous = worthOf(before);
      const row = rowOf(after);
      // The first time that the attempt tells anything. Its response time tells nothing: lanes that take long are stopped.
      if (previous === null) row.requests += 1;
      row.successes += weight * (worth - (previous ?? 0));
      row.failures += weight * (1 - worth - (previous === null ? 0 : 1 - previous));
    },
    rows: () => [...rows.values()],
  };
}

/**
 * How good the outcome was, in [0, 1]: what feedback says, else whether there was an answer; null where it tells nothing.
 */
export function worthOf(
  record: Pick<WrittenRecord, 'outcome' | 'origin' | 'error_code' | 'feedback_score'>,
): number | null {
  if (!isTerminal(record.outcome) || record.outcome === 'cancelled') return null;
  if (isUnjudgedLane(record)) return null;
  if (record.feedback_score !== null) return record.feedback_score;
  if (record.outcome === 'success') return 1;
  return isModelsFault(record) ? 0 : null;
}
