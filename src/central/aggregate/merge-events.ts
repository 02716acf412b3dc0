import type { RoutingRecord } from '../../platform/store/routing-records.ts';
import type { DecisionEvent } from '../consume/parse-message.ts';
import { createEvidenceChanges, type EvidenceChanges } from './evidence-changes.ts';
import { type CellChanges, createCellChanges } from './cell-changes.ts';
import { combineRecords, isTerminal, recordOf } from './record.ts';
import { createUsageChanges, type UsageChanges } from './usage-changes.ts';

export interface Merge {
  /** Records of attempts that were not known. */
  created: RoutingRecord[];
  /** Known records that are now different. */
  changed: RoutingRecord[];
  changes: CellChanges;
  usage: UsageChanges;
  evidence: EvidenceChanges;
  /** Further outcomes of attempts that had ended. */
  ignored: DecisionEvent[];
  /** Feedback on an attempt that is not known to have ended: to be tried again when it is. */
  postponed: DecisionEvent[];
}

/**
 * What events, in the order they came, make of the records that are known. Pure; `nowMs` by the clock of the database. For each attempt: the first event opens
 * the record and counts as routed, the first terminal outcome closes it and is the one that counts, whichever of the two
 * comes first; a later decision only fills in what is missing; feedback corrects what was counted.
 */
export function mergeEvents(known: readonly RoutingRecord[], events: readonly DecisionEvent[], nowMs: number): Merge {
  const attempts = new Map<string, Map<number, RoutingRecord>>();
  const created = new Set<string>();
  const changed = new Map<string, RoutingRecord>();
  const changes = createCellChanges();
  const usage = createUsageChanges();
  const evidence = createEvidenceChanges(nowMs);
  const ignored: DecisionEvent[] = [];
  const postponed: DecisionEvent[] = [];

  for (const record of known) keep(record);

  function keep(record: RoutingRecord): void {
    const ofDecision = attempts.get(record.decision_id) ?? new Map<number, RoutingRecord>();
    attempts.set(record.decision_id, ofDecision.set(record.attempt, record));
  }

  function write(record: RoutingRecord): void {
    keep(record);
    changed.set(JSON.stringify([record.decision_id, record.attempt]), record);
  }

  function countOutcome(record: RoutingRecord): void {
    changes.countOutcome(record);
    usage.countOutcome(record);
    evidence.countOutcome(record);
  }

  function mergeDecision(event: DecisionEvent): void {
    const later = recordOf(event);
    const current = attempts.get(later.decision_id)?.get(later.attempt);
    if (current === undefined) {
      created.add(JSON.stringify([later.decision_id, later.attempt]));
      write(later);
      changes.countRouted(later);
      countOutcome(later);
    } else if (!isTerminal(later.outcome)) {
      write(combineRecords(current, later));
    } else if (isTerminal(current.outcome)) {
      ignored.push(event);
    } else {
      const closed = combineRecords(current, later);
      write(closed);
      countOutcome(closed);
    }
  }

  function mergeFeedback(event: DecisionEvent): void {
    const current = findEnded(attempts.get(event.decisionId), event.attempt);
    if (current === undefined) {
      postponed.push(event);
      return;
    }
    const score = event.decision.feedback_score ?? (event.decision.outcome === 'success' ? 1 : 0);
    const corrected = { ...current, feedback_score: score };
    write(corrected);
    changes.correct(current, corrected);
    usage.correct(current, corrected);
    evidence.correct(current, corrected);
  }

  for (const event of events) {
    if (event.decision.origin === 'feedback') mergeFeedback(event);
    else mergeDecision(event);
  }

  const written = [...changed];
  return {
    created: written.filter(([key]) => created.has(key)).map(([, record]) => record),
    changed: written.filter(([key]) => !created.has(key)).map(([, record]) => record),
    changes,
    usage,
    evidence,
    ignored,
    postponed,
  };
}

/** The attempt that feedback is about: the one it names, else the newest that has ended. */
function findEnded(
  ofDecision: ReadonlyMap<number, RoutingRecord> | undefined,
  attempt: number | undefined,
): RoutingRecord | undefined {
  const ended = [...(ofDecision?.values() ?? [])].filter((record) => isTerminal(record.outcome));
  if (attempt !== undefined) return ended.find((record) => record.attempt === attempt);
  return ended.reduce<RoutingRecord | undefined>(
    (newest, record) => (newest === undefined || record.attempt > newest.attempt ? record : newest),
    undefined,
  );
}
