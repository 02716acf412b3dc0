import type { WrittenRecord } from '../../platform/store/routing-records.ts';
import type { Traffic, TrafficChange, TrafficKind } from '../../platform/store/traffic.ts';
import type { LatencyAddition } from '../../platform/store/traffic-latencies.ts';
import { createSketch } from '../../statistics/quantile-sketch.ts';
import { isLeft, isTerminal } from './record.ts';

/** What a batch of events changes in the traffic that is shown, and how long answers took. */
export interface TrafficChanges {
  /** A record is new (`before` undefined) or now another. */
  change(before: WrittenRecord | undefined, after: WrittenRecord): void;
  changes(): TrafficChange[];
  latencies(): LatencyAddition[];
}

const minuteMs = 60_000;

/** A record counts for what it says now, less what it said before: the sums are those of the records at all times. */
export function createTrafficChanges(): TrafficChanges {
  const changes = new Map<string, TrafficChange>();
  const latencies = new Map<string, LatencyAddition>();

  function changeOf(record: WrittenRecord): TrafficChange {
    const minute = startOf(record, minuteMs);
    const { provider, model, complexity } = record;
    const kind = kindOf(record);
    const key = JSON.stringify([minute, provider, model, complexity, kind]);
    const change = changes.get(key) ?? { minute, provider, model, complexity, kind, ...none() };
    changes.set(key, change);
    return change;
  }

  function addLatency(record: WrittenRecord, bucketSeconds: 60 | 3600, provider: string, model: string): void {
    const bucket = startOf(record, bucketSeconds * 1000);
    const key = JSON.stringify([bucketSeconds, bucket, provider, model]);
    const addition = latencies.get(key) ?? {
      bucketSeconds,
      bucket,
      provider,
      model,
      response: createSketch(),
      firstToken: createSketch(),
    };
    latencies.set(key, addition);
    if (record.response_time_ms !== null) addition.response.add(record.response_time_ms);
    if (record.time_to_first_token_ms !== null) addition.firstToken.add(record.time_to_first_token_ms);
  }

  return {
    change(before, after) {
      const change = changeOf(after);
      const was = before === undefined ? none() : trafficOf(before);
      const is = trafficOf(after);
      for (const name of names) change[name] += is[name] - was[name];
      // Of an answer that is known already, nothing more is measured.
      if (is.answers - was.answers !== 1 || kindOf(after) !== 'request') return;
      if (after.response_time_ms === null && after.time_to_first_token_ms === null) return;
      addLatency(after, 60, '', '');
      addLatency(after, 3600, '', '');
      addLatency(after, 3600, after.provider, after.model);
    },
    changes: () => [...changes.values()].filter((change) => names.some((name) => change[name] !== 0)),
    latencies: () => [...latencies.values()],
  };
}

function startOf({ timestamp }: WrittenRecord, lengthMs: number): string {
  return new Date(Math.floor(Date.parse(timestamp) / lengthMs) * lengthMs).toISOString();
}

function kindOf({ origin }: WrittenRecord): TrafficKind {
  if (origin === 'race') return 'race';
  return origin === 'shadow' ? 'copy' : 'request';
}

/** What one record counts for. */
function trafficOf(record: WrittenRecord): Traffic {
  const { outcome, feedback_score: feedback } = record;
  // A decision that was only asked for counts once somebody tells how it ended.
  const isMade = record.expects_outcome || isTerminal(outcome);
  const isRequest = isMade && record.attempt === 0 && kindOf(record) === 'request';
  const isUncalled = outcome === 'cancelled' && record.error_code !== null;
  return {
    requests: isRequest ? 1 : 0,
    requests_ended: isRequest && isTerminal(outcome) ? 1 : 0,
    requests_left: kindOf(record) === 'request' && isLeft(record) ? 1 : 0,
    calls: isMade && !isUncalled ? 1 : 0,
    answers: outcome === 'success' ? 1 : 0,
    failures: outcome === 'failure' || outcome === 'timeout' ? 1 : 0,
    feedback_count: feedback === null ? 0 : 1,
    feedback_sum: feedback ?? 0,
    input_tokens: record.input_tokens ?? 0,
    output_tokens: record.output_tokens ?? 0,
    cost_usd: record.cost_usd ?? 0,
  };
}

function none(): Traffic {
  return {
    requests: 0,
    requests_ended: 0,
    requests_left: 0,
    calls: 0,
    answers: 0,
    failures: 0,
    feedback_count: 0,
    feedback_sum: 0,
    input_tokens: 0,
    output_tokens: 0,
    cost_usd: 0,
  };
}

const names = Object.keys(none()) as ReadonlyArray<keyof Traffic>;
