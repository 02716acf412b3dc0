import type { PredictorArm, PredictorTally } from '../../platform/store/predictors.ts';
import type { WrittenRecord } from '../../platform/store/routing-records.ts';
import { worthOf } from './evidence-changes.ts';

/** What a batch of events tells of choices that were made with a predictor, and of those made without one to compare. */
export interface PredictorChanges {
  /** The attempt has ended, for the first time. */
  countOutcome(record: WrittenRecord): void;
  /** The feedback of an ended attempt is now another. */
  correct(before: WrittenRecord, after: WrittenRecord): void;
  tallies(): PredictorTally[];
}

export function createPredictorChanges(): PredictorChanges {
  const tallies = new Map<string, PredictorTally>();

  function add(record: WrittenRecord, requests: number, bad: number): void {
    // What came after the choice is another model's doing.
    if (record.attempt !== 0 || (requests === 0 && bad === 0)) return;
    const version = record.predictor_version ?? 0;
    const arm = (record.predictor_arm ?? 'none') as PredictorArm;
    const key = `${version} ${arm}`;
    const tally = tallies.get(key) ?? { version, arm, requests: 0, bad: 0 };
    tallies.set(key, { ...tally, requests: tally.requests + requests, bad: tally.bad + bad });
  }

  return {
    countOutcome(record) {
      const worth = worthOf(record);
      if (worth !== null) add(record, 1, isBad(worth));
    },
    correct(before, after) {
      const worth = worthOf(after);
      if (worth === null) return;
      const previous = worthOf(before);
      add(after, previous === null ? 1 : 0, isBad(worth) - (previous === null ? 0 : isBad(previous)));
    },
    tallies: () => [...tallies.values()].filter(({ requests, bad }) => requests !== 0 || bad !== 0),
  };
}

const isBad = (worth: number): number => (worth < 0.5 ? 1 : 0);
