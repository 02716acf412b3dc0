import type { MetricDelta } from '../../platform/store/model-routing-metrics.ts';
import type { LatencySketch } from '../../platform/store/latency-sketches.ts';
import type { WrittenRecord } from '../../platform/store/routing-records.ts';
import { createSketch } from '../../statistics/quantile-sketch.ts';
import { isGood, isTerminal, isUnjudgedLane } from './record.ts';

const hourMs = 3_600_000;

/** What a batch of events changes in the counters and latencies of each (model, complexity). */
export interface CellChanges {
  /** A decision was made. */
  countRouted(record: WrittenRecord): void;
  /** The attempt has ended, for the first time; nothing while it is open. */
  countOutcome(record: WrittenRecord): void;
  /** The feedback of an ended attempt is now another: `before` and `after` differ in `feedback_score` alone. */
  correct(before: WrittenRecord, after: WrittenRecord): void;
  deltas(): MetricDelta[];
  latencies(): LatencySketch[];
}

export function createCellChanges(): CellChanges {
  const deltas = new Map<string, MetricDelta>();
  const latencies = new Map<string, LatencySketch>();

  function deltaOf({ model, complexity }: WrittenRecord): MetricDelta {
    const key = JSON.stringify([model, complexity]);
    let delta = deltas.get(key);
    if (delta === undefined) {
      delta = emptyDelta(model, complexity);
      deltas.set(key, delta);
    }
    return delta;
  }

  function addLatency({ model, complexity, timestamp }: WrittenRecord, valueMs: number): void {
    const hour = Math.floor(Date.parse(timestamp) / hourMs) * hourMs;
    const key = JSON.stringify([model, complexity, hour]);
    let latency = latencies.get(key);
    if (latency === undefined) {
      latency = { model, complexity, hour: new Date(hour), sketch: createSketch() };
      latencies.set(key, latency);
    }
    latency.sketch.add(valueMs);
  }

  return {
    countRouted(record) {
      deltaOf(record).routed += 1;
    },
    countOutcome(record) {
      if (!isTerminal(record.outcome)) return;
      const delta = deltaOf(record);
      delta[record.outcome] += 1;
      delta.inputTokens += record.input_tokens ?? 0;
      delta.outputTokens += record.output_tokens ?? 0;
      delta.costUsd += record.cost_usd ?? 0;
      if (record.outcome !== 'cancelled') delta.usage += 1;
      countUnjudged(delta, record, 1);
      // How long a failure took is no response time, and of the lanes of a race only the quick ones get so far.
      if (record.outcome === 'success' && record.response_time_ms !== null && record.origin !== 'race') {
        delta.responseTimesMs.push(record.response_time_ms);
        addLatency(record, record.response_time_ms);
      }
    },
    correct(before, after) {
      const delta = deltaOf(after);
      delta.feedbackCount += before.feedback_score === null ? 1 : 0;
      delta.feedbackSum += (after.feedback_score ?? 0) - (before.feedback_score ?? 0);
      countUnjudged(delta, before, -1);
      countUnjudged(delta, after, 1);
      if (after.outcome === 'cancelled' || isGood(before) === isGood(after)) return;
      const change = isGood(after) ? 1 : -1;
      delta.success += change;
      delta[after.outcome === 'timeout' ? 'timeout' : 'failure'] -= change;
    },
    deltas: () => [...deltas.values()],
    latencies: () => [...latencies.values()],
  };
}

function countUnjudged(delta: MetricDelta, record: WrittenRecord, count: 1 | -1): void {
  if (!isUnjudgedLane(record) || record.outcome === 'cancelled') return;
  delta.unjudged += count;
  if (record.outcome === 'success') delta.unjudgedSuccess += count;
}

function emptyDelta(model: string, complexity: string): MetricDelta {
  return {
    model,
    complexity,
    routed: 0,
    usage: 0,
    success: 0,
    failure: 0,
    timeout: 0,
    cancelled: 0,
    unjudged: 0,
    unjudgedSuccess: 0,
    feedbackCount: 0,
    feedbackSum: 0,
    inputTokens: 0,
    outputTokens: 0,
    costUsd: 0,
    responseTimesMs: [],
  };
}
