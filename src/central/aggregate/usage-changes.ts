import type { MeasuredUsage, Tally } from '../../platform/store/model-usage.ts';
import type { WrittenRecord } from '../../platform/store/routing-records.ts';
import { isGood, isTerminal, isUnjudgedLane } from './record.ts';

/** What a batch of events adds to the measured performance of each model of each provider. */
export interface UsageChanges {
  /** The attempt has ended, for the first time; nothing while it is open, for a cancelled one, or an unjudged lane. */
  countOutcome(record: WrittenRecord): void;
  /** The feedback of an ended attempt is now another. */
  correct(before: WrittenRecord, after: WrittenRecord): void;
  usages(): MeasuredUsage[];
}

export function createUsageChanges(): UsageChanges {
  const byModel = new Map<string, MeasuredUsage>();

  function usageOf({ provider, model }: WrittenRecord): MeasuredUsage {
    const key = JSON.stringify([provider, model]);
    let usage = byModel.get(key);
    if (usage === undefined) {
      const none = (): Tally => ({ sum: 0, count: 0 });
      usage = {
        provider,
        modelId: model,
        calls: 0,
        successes: 0,
        timeToFirstTokenMs: none(),
        completionMs: none(),
        quality: none(),
      };
      byModel.set(key, usage);
    }
    return usage;
  }

  return {
    countOutcome(record) {
      if (!isTerminal(record.outcome) || record.outcome === 'cancelled' || isUnjudgedLane(record)) return;
      const usage = usageOf(record);
      usage.calls += 1;
      if (record.outcome !== 'success') return;
      usage.successes += 1;
      add(usage.completionMs, record.response_time_ms);
      add(usage.timeToFirstTokenMs, record.time_to_first_token_ms);
    },
    correct(before, after) {
      if (after.outcome === 'cancelled') return;
      const usage = usageOf(after);
      if (isUnjudgedLane(before)) {
        usage.calls += 1;
        usage.successes += isGood(after) ? 1 : 0;
      } else if (isGood(before) !== isGood(after)) usage.successes += isGood(after) ? 1 : -1;
      usage.quality.sum += (after.feedback_score ?? 0) - (before.feedback_score ?? 0);
      usage.quality.count += before.feedback_score === null ? 1 : 0;
    },
    usages: () => [...byModel.values()],
  };
}

function add(tally: Tally, value: number | null): void {
  if (value === null) return;
  tally.sum += value;
  tally.count += 1;
}
