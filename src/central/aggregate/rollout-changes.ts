import { contentFilterCode } from '../../contracts/event.ts';
import type { NewObservation } from '../../platform/store/rollout-observations.ts';
import type { WrittenRecord } from '../../platform/store/routing-records.ts';
import type { DecisionEvent } from '../consume/parse-message.ts';
import { isLeft, isSpared, isTerminal } from './record.ts';

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
    if (record.feedback_score === null || arm === null || outcomeOf(record)?.kind !== 'outcome') return;
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

const none = { bad: null, latency_ms: null, streamed: null, cost_usd: null, pair: null };

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

type Told = Pick<NewObservation, 'kind'> &
  Partial<Pick<NewObservation, 'bad' | 'latency_ms' | 'streamed' | 'cost_usd'>>;

/** By what the record alone says, and never by its arm, or the two could not be compared. Null where it says nothing. */
function outcomeOf(record: WrittenRecord): Told | null {
  const { outcome, error_code, cost_usd } = record;
  if (isUnavailable(record)) return { kind: 'unavailable' };
  // How long it took is not how fast the model is. Refusals are here too: whether the request was at fault shows in the other
  // arm, which gets as many wrong ones.
  if (outcome === 'failure' || outcome === 'timeout') {
    return isOfTheKey(record) ? null : { kind: 'outcome', bad: true, cost_usd };
  }
  if (outcome === 'success') {
    return error_code === contentFilterCode
      ? { kind: 'outcome', bad: true, cost_usd }
      : { kind: 'outcome', bad: false, ...latencyOf(record), cost_usd };
  }
  const latency = latencyOf(record);
  return isLeft(record) && latency.latency_ms !== null ? { kind: 'left', ...latency } : null;
}

/** The provider had no room for the request, or the router did not ask because of what came before. */
function isUnavailable(record: WrittenRecord): boolean {
  return isSpared(record) || (record.outcome === 'failure' && record.error_code === 'rate_limit');
}

/** The key does not work, or its credit is used up. 403 is another matter: mostly, that it may not use this model. */
function isOfTheKey({ error_code, http_status }: WrittenRecord): boolean {
  return error_code === 'auth' && http_status !== 403;
}

/** How long the client waited for the first token of a stream, or for a whole answer. */
function latencyOf(record: WrittenRecord): Pick<NewObservation, 'latency_ms' | 'streamed'> {
  const { time_to_first_token_ms: firstTokenMs, response_time_ms: responseMs, outcome } = record;
  const streamed = record.streamed ?? firstTokenMs !== null;
  // Whoever left before the first token has waited for it all the while.
  const latency_ms = streamed ? (firstTokenMs ?? (outcome === 'success' ? null : responseMs)) : responseMs;
  return { latency_ms, streamed: latency_ms === null ? null : streamed };
}
