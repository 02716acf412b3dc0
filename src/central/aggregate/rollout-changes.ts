import type { NewObservation } from '../../platform/store/rollout-observations.ts';
import type { WrittenRecord } from '../../platform/store/routing-records.ts';
import type { DecisionEvent } from '../consume/parse-message.ts';
import { isLeft, isModelsFault, isSpared, isTerminal } from './record.ts';

/** What a batch of events says of rollouts. Of what is part of none, it takes nothing. */
export interface RolloutChanges {
  /** An attempt is known now (`before` undefined) or better than before; its feedback is the same. */
  countAttempt(before: WrittenRecord | undefined, after: WrittenRecord): void;
  /** The feedback of an ended attempt is now another. The first counts. */
  judge(before: WrittenRecord, after: WrittenRecord): void;
  /** The last event of a copy. */
  compare(event: DecisionEvent): void;
  /** In the order in which they were made. */
  observations(): NewObservation[];
}

export function createRolloutChanges(): RolloutChanges {
  const observations: NewObservation[] = [];

  function addQuality(record: WrittenRecord): void {
    const arm = armOf(record);
    // Of what was not called there is nothing to judge, nor of what nobody waited for.
    if (record.feedback_score === null || arm === null || record.outcome === 'cancelled') return;
    if (outcomeOf(record) === null) return;
    observations.push({ ...none, ...arm, kind: 'quality', bad: record.feedback_score < 0.5 });
  }

  return {
    countAttempt(before, after) {
      // Its end or its label may come first, and neither comes twice.
      if (before !== undefined && armOf(before) !== null) return;
      const arm = armOf(after);
      const outcome = outcomeOf(after);
      if (arm === null || outcome === null) return;
      observations.push({ ...none, ...arm, ...outcome });
      // There before the label was known.
      addQuality(after);
    },
    judge(before, after) {
      if (before.feedback_score === null) addQuality(after);
    },
    compare({ decision: { rollout } }) {
      if (rollout?.pair === undefined) return;
      const { rollout_id, arm, share, unit = null, pair } = rollout;
      observations.push({ ...none, rollout_id, arm, share, unit, kind: 'pair', pair });
    },
    observations: () => observations,
  };
}

const none = { bad: null, latency_ms: null, cost_usd: null, pair: null };

/**
 * In which arm of which rollout an attempt has ended; null while it is open or no label is known. Only the first attempt
 * of a decision is the arm's: those after it are other models. Copies are judged in pairs alone.
 */
function armOf(record: WrittenRecord): Pick<NewObservation, 'rollout_id' | 'arm' | 'share' | 'unit'> | null {
  const { rollout_id, rollout_arm: arm, rollout_share: share, rollout_unit: unit } = record;
  if (rollout_id === null || share === null || (arm !== 'canary' && arm !== 'control')) return null;
  // There is one arm alone, and the tests divide by the share of either.
  if (share <= 0 || share >= 1) return null;
  return record.attempt === 0 && isTerminal(record.outcome) ? { rollout_id, arm, share, unit } : null;
}

/** Null where it says nothing of the model. */
function outcomeOf(record: WrittenRecord): Pick<NewObservation, 'kind' | 'bad' | 'latency_ms' | 'cost_usd'> | null {
  const { cost_usd } = record;
  // How long a failure took is not how fast the model is.
  if (isModelsFault(record)) return { kind: 'outcome', bad: true, latency_ms: null, cost_usd };
  // It was to answer and could not be asked: the circuit that shields users from its failures must not hide them here.
  if (isSpared(record)) return { kind: 'outcome', bad: true, latency_ms: null, cost_usd: null };
  const latency_ms = record.time_to_first_token_ms ?? record.response_time_ms;
  if (record.outcome === 'success') return { kind: 'outcome', bad: false, latency_ms, cost_usd };
  return isLeft(record) && latency_ms !== null ? { kind: 'left', bad: null, latency_ms, cost_usd: null } : null;
}
