import type { TallyChange } from '../../platform/store/decision-tallies.ts';
import type { LockedRecord, WrittenRecord } from '../../platform/store/routing-records.ts';
import { type DecisionEvent, isFeedback, isPair, isVerdict } from '../consume/parse-message.ts';
import { type CellChanges, createCellChanges } from './cell-changes.ts';
import { createEvidenceChanges, type EvidenceChanges } from './evidence-changes.ts';
import { createPredictorChanges, type PredictorChanges } from './predictor-changes.ts';
import { createRaceChanges, type RaceChanges } from './race-changes.ts';
import { combineRecords, isCopy, isTerminal, recordOf } from './record.ts';
import { createRolloutChanges, type RolloutChanges } from './rollout-changes.ts';
import { createSpendingChanges, type SpendingChanges } from './spending-changes.ts';
import { createTallyChanges } from './tally-changes.ts';
import { createTrafficChanges, type TrafficChanges } from './traffic-changes.ts';
import { createUsageChanges, type UsageChanges } from './usage-changes.ts';

export interface Merge {
  /** Records of attempts that were not known. */
  created: WrittenRecord[];
  /** Known records that are now different. */
  changed: WrittenRecord[];
  changes: CellChanges;
  usage: UsageChanges;
  evidence: EvidenceChanges;
  predictors: PredictorChanges;
  tallies: TallyChange[];
  races: RaceChanges;
  rollouts: RolloutChanges;
  spending: SpendingChanges;
  traffic: TrafficChanges;
  /** How many outcomes came for decisions that counted as unknown. */
  late: number;
  /** Further outcomes of attempts that had ended. */
  ignored: DecisionEvent[];
  /** Feedback, labels of races included, on an attempt that is not known to have ended: to be tried again when it is. */
  postponed: DecisionEvent[];
}

/**
 * What events, in the order they came, make of the records that are known. Pure; `nowMs` by the clock of the database.
 * For each attempt: the first event opens the record and counts as routed, the first terminal outcome closes it and is the
 * one that counts, whichever of the two comes first; a later decision only fills in what is missing; feedback corrects
 * what was counted. The verdict of a race ends no attempt: it is said of the lane, and where it judges the lane's answer it
 * is feedback too. Nor does the pair of a copy: it is said of the rollout. The attempts of copies are recorded, and count in
 * no statistic but what is spent.
 */
export function mergeEvents(known: readonly LockedRecord[], events: readonly DecisionEvent[], nowMs: number): Merge {
  const attempts = new Map<string, Map<number, WrittenRecord>>();
  const created = new Set<string>();
  const changed = new Map<string, WrittenRecord>();
  const changes = createCellChanges();
  const usage = createUsageChanges();
  const evidence = createEvidenceChanges(nowMs);
  const predictors = createPredictorChanges();
  const tallies = createTallyChanges();
  const races = createRaceChanges();
  const rollouts = createRolloutChanges();
  const spending = createSpendingChanges();
  const traffic = createTrafficChanges();
  const openedAt = new Map(known.map((record) => [keyOf(record), record.created_at]));
  const ignored: DecisionEvent[] = [];
  const postponed: DecisionEvent[] = [];

  for (const record of known) keep(record);

  function keep(record: WrittenRecord): void {
    const ofDecision = attempts.get(record.decision_id) ?? new Map<number, WrittenRecord>();
    attempts.set(record.decision_id, ofDecision.set(record.attempt, record));
  }

  function write(record: WrittenRecord): void {
    keep(record);
    changed.set(keyOf(record), record);
  }

  function writeAttempt(before: WrittenRecord | undefined, after: WrittenRecord, event: DecisionEvent): void {
    write(after);
    rollouts.countAttempt(before, after);
    spending.countAttempt(before, after, event);
    traffic.change(before, after);
  }

  function countOutcome(record: WrittenRecord, event: DecisionEvent): void {
    if (isCopy(record)) return;
    changes.countOutcome(record);
    usage.countOutcome(record);
    evidence.countOutcome(record);
    predictors.countOutcome(record);
    if (isTerminal(record.outcome)) races.countAttempt(event);
  }

  function mergeDecision(event: DecisionEvent): void {
    races.open(event);
    const later = recordOf(event);
    const current = attempts.get(later.decision_id)?.get(later.attempt);
    if (current === undefined) {
      created.add(keyOf(later));
      writeAttempt(undefined, later, event);
      if (isCopy(later)) return;
      // Only of decisions that have an id of their own can an outcome be missing.
      const isCounted = event.decision.decision_id !== undefined && later.attempt === 0 && later.expects_outcome;
      if (isCounted) tallies.countDecision(later.instance_id);
      changes.countRouted(later);
      countOutcome(later, event);
    } else if (!isTerminal(later.outcome)) {
      writeAttempt(current, combineRecords(current, later), event);
    } else if (isTerminal(current.outcome)) {
      ignored.push(event);
    } else {
      const closed = combineRecords(current, later);
      writeAttempt(current, closed, event);
      countOutcome(closed, event);
      const since = openedAt.get(keyOf(closed));
      if (current.outcome === 'unknown' && since !== undefined && !isCopy(closed))
        tallies.takeBackUnknown(closed.instance_id, since);
    }
  }

  /** Whether what it is about is known. */
  function mergeFeedback(event: DecisionEvent): boolean {
    const current = findJudged(attempts.get(event.decisionId), event);
    if (current === undefined) {
      postponed.push(event);
      return false;
    }
    const score = event.decision.feedback_score ?? (event.decision.outcome === 'success' ? 1 : 0);
    const corrected = { ...current, feedback_score: score };
    write(corrected);
    rollouts.judge(current, corrected);
    traffic.change(current, corrected);
    if (isCopy(corrected)) return true;
    changes.correct(current, corrected);
    usage.correct(current, corrected);
    evidence.correct(current, corrected);
    predictors.correct(current, corrected);
    return true;
  }

  for (const event of events) {
    if (isPair(event)) rollouts.compare(event);
    else if (!isFeedback(event) && !isVerdict(event)) mergeDecision(event);
    // One that is postponed must leave no trace, for it comes again.
    else if ((!isFeedback(event) || mergeFeedback(event)) && isVerdict(event)) races.decide(event);
  }

  const written = [...changed];
  return {
    created: written.filter(([key]) => created.has(key)).map(([, record]) => record),
    changed: written.filter(([key]) => !created.has(key)).map(([, record]) => record),
    changes,
    usage,
    evidence,
    predictors,
    tallies: tallies.changes(),
    races,
    rollouts,
    spending,
    traffic,
    late: tallies.late(),
    ignored,
    postponed,
  };
}

function keyOf(record: WrittenRecord): string {
  return `${record.decision_id} ${record.attempt}`;
}

/** The attempt that feedback is about: the one it names, else the newest that has ended. */
function findJudged(
  ofDecision: ReadonlyMap<number, WrittenRecord> | undefined,
  event: DecisionEvent,
): WrittenRecord | undefined {
  const { attempt } = event;
  let ended = [...(ofDecision?.values() ?? [])].filter((record) => isTerminal(record.outcome));
  if (attempt !== undefined) return ended.find((record) => record.attempt === attempt);
  // A verdict may overtake the answer that it judges, while an attempt that failed before is known.
  if (isVerdict(event) && event.decision.outcome === 'success') {
    ended = ended.filter((record) => record.outcome === 'success');
  }
  return ended.reduce<WrittenRecord | undefined>(
    (newest, record) => (newest === undefined || record.attempt > newest.attempt ? record : newest),
    undefined,
  );
}
