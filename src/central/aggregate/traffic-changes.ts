import type { WrittenRecord } from '../../platform/store/routing-records.ts';
import {
  addSums,
  noTraffic,
  type Traffic,
  type TrafficChange,
  type TrafficKind,
} from '../../platform/store/traffic.ts';
import type { LatencyAddition } from '../../platform/store/traffic-latencies.ts';
import { createSketch, type QuantileSketch } from '../../statistics/quantile-sketch.ts';
import { isLeft, isRefused, isTerminal, isUncalled } from './record.ts';

/** What a batch of events changes in the traffic that is shown, and how long answers took. */
export interface TrafficChanges {
  /** A record is new (`before` undefined) or now another. */
  change(before: WrittenRecord | undefined, after: WrittenRecord): void;
  changes(): TrafficChange[];
  latencies(): LatencyAddition[];
}

const minuteMs = 60_000;
const hourMs = 3_600_000;
const dayMs = 86_400_000;

/** What is new of one minute, model and kind. */
interface Addition {
  minuteMs: number;
  change: TrafficChange;
  response: QuantileSketch;
  firstToken: QuantileSketch;
}

/** A record counts for what it says now, less what it said before: the sums are those of the records at all times. */
export function createTrafficChanges(): TrafficChanges {
  const additions = new Map<string, Addition>();

  function additionOf(record: WrittenRecord): Addition {
    const minute = Math.floor(Date.parse(record.timestamp) / minuteMs) * minuteMs;
    const { provider, model } = record;
    const kind = kindOf(record);
    const key = JSON.stringify([minute, provider, model, kind]);
    let addition = additions.get(key);
    if (addition === undefined) {
      addition = {
        minuteMs: minute,
        change: { minute: new Date(minute).toISOString(), provider, model, kind, ...noTraffic() },
        response: createSketch(),
        firstToken: createSketch(),
      };
      additions.set(key, addition);
    }
    return addition;
  }

  return {
    change(before, after) {
      const { change, response, firstToken } = additionOf(after);
      const was = before === undefined ? noTraffic() : trafficOf(before);
      const is = trafficOf(after);
      addSums(change, was, -1);
      addSums(change, is);
      // Of an answer that is known already, nothing more is measured.
      if (is.answers - was.answers !== 1 || change.kind !== 'request') return;
      if (after.response_time_ms !== null) response.add(after.response_time_ms);
      if (after.time_to_first_token_ms !== null) firstToken.add(after.time_to_first_token_ms);
    },
    changes: () => [...additions.values()].map(({ change }) => change),
    latencies: () => latenciesOf([...additions.values()]),
  };
}

/** Of each model by the hour and by the day, and of all together by the hour and by the minute. */
function latenciesOf(additions: readonly Addition[]): LatencyAddition[] {
  const latencies = new Map<string, LatencyAddition>();
  for (const { minuteMs: minute, change, response, firstToken } of additions) {
    if (response.count === 0 && firstToken.count === 0) continue;
    const hour = Math.floor(minute / hourMs) * hourMs;
    const day = Math.floor(minute / dayMs) * dayMs;
    for (const [bucketSeconds, atMs, provider, model] of [
      [60, minute, '', ''],
      [3600, hour, '', ''],
      [3600, hour, change.provider, change.model],
      [86_400, day, change.provider, change.model],
    ] as const) {
      const key = JSON.stringify([bucketSeconds, atMs, provider, model]);
      const bucket = new Date(atMs).toISOString();
      const latency = latencies.get(key) ?? {
        bucketSeconds,
        bucket,
        provider,
        model,
        response: createSketch(),
        firstToken: createSketch(),
      };
      latencies.set(key, latency);
      latency.response.merge(response);
      latency.firstToken.merge(firstToken);
    }
  }
  return [...latencies.values()];
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
  return {
    requests: isRequest ? 1 : 0,
    requests_ended: isRequest && isTerminal(outcome) && !isRefused(record) ? 1 : 0,
    requests_left: kindOf(record) === 'request' && isLeft(record) ? 1 : 0,
    calls: isMade && !isUncalled(record) ? 1 : 0,
    answers: outcome === 'success' ? 1 : 0,
    failures: outcome === 'failure' || outcome === 'timeout' ? 1 : 0,
    feedback_count: feedback === null ? 0 : 1,
    feedback_sum: feedback ?? 0,
    input_tokens: record.input_tokens ?? 0,
    output_tokens: record.output_tokens ?? 0,
    cost_usd: record.cost_usd ?? 0,
  };
}
