import type { TallyChange } from '../../platform/store/decision-tallies.ts';

/** What a batch of events changes in how many decisions of each instance there are, and how many without an outcome. */
interface TallyChanges {
  /** A decision of the instance was heard of for the first time. */
  countDecision(instanceId: string): void;
  /** The outcome came after all, of a decision that was first counted then. */
  takeBackUnknown(instanceId: string, openedAt: string): void;
  /** How many were taken back. */
  late(): number;
  changes(): TallyChange[];
}

export function createTallyChanges(): TallyChanges {
  const decisions = new Map<string, number>();
  const late: TallyChange[] = [];
  return {
    countDecision(instanceId) {
      decisions.set(instanceId, (decisions.get(instanceId) ?? 0) + 1);
    },
    takeBackUnknown(instanceId, openedAt) {
      late.push({ instanceId, openedAt, decisions: 0, unknown: -1 });
    },
    late: () => late.length,
    changes: () => [
      ...[...decisions].map(([instanceId, count]) => ({ instanceId, openedAt: null, decisions: count, unknown: 0 })),
      ...late,
    ],
  };
}
