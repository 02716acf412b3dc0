import type { ModelTraffic, Traffic as TrafficBody } from '../../contracts/dashboard.ts';
import { addSums, noTraffic, type TrafficTotals } from '../../platform/store/traffic.ts';
import type { Latencies } from '../../platform/store/traffic-latencies.ts';
import { createSketch, type QuantileSketch } from '../../statistics/quantile-sketch.ts';

/** What clients asked and got, from sums of calls. Pure. */
export function toTraffic({ all, requests }: TrafficTotals, latencies: Latencies | undefined): TrafficBody {
  const { requests: asked, requests_ended: ended, requests_left: left, answers } = requests;
  const failed = Math.max(0, ended - answers - left);
  return {
    requests: asked,
    answered: answers,
    failed,
    left,
    success_rate: shareOf(answers, answers + failed),
    latency_ms: quantilesOf(latencies?.response),
    first_token_ms: quantilesOf(latencies?.firstToken),
    cost_usd: all.cost_usd,
    input_tokens: all.input_tokens,
    output_tokens: all.output_tokens,
    feedback_count: requests.feedback_count,
    feedback_mean: meanOf(requests.feedback_sum, requests.feedback_count),
  };
}

/** Calls of one model, from their sums. Pure. */
export function toModelTraffic({ all, requests }: TrafficTotals): ModelTraffic {
  const { calls, answers, failures } = requests;
  return {
    calls,
    answers,
    failures,
    success_rate: shareOf(answers, answers + failures),
    cost_usd: all.cost_usd,
    cost_per_answer_usd: answers === 0 ? null : requests.cost_usd / answers,
    input_tokens: all.input_tokens,
    output_tokens: all.output_tokens,
    feedback_count: requests.feedback_count,
    feedback_mean: meanOf(requests.feedback_sum, requests.feedback_count),
  };
}

/** Milliseconds; null without any value. */
export function quantilesOf(sketch: QuantileSketch | undefined): TrafficBody['latency_ms'] {
  const [p50, p95, p99] = [0.5, 0.95, 0.99].map((q) => sketch?.quantile(q));
  return p50 === undefined || p95 === undefined || p99 === undefined ? null : { p50, p95, p99 };
}

/** Of a whole, in [0, 1]; null where there is none. */
export function shareOf(part: number, whole: number): number | null {
  return whole > 0 ? Math.min(1, Math.max(0, part / whole)) : null;
}

function meanOf(sum: number, count: number): number | null {
  return count > 0 ? Math.min(1, Math.max(0, sum / count)) : null;
}

/** The sums of several together. Pure. */
export function addUp(parts: readonly TrafficTotals[]): TrafficTotals {
  const total = { all: noTraffic(), requests: noTraffic() };
  for (const { all, requests } of parts) {
    addSums(total.all, all);
    addSums(total.requests, requests);
  }
  return total;
}

/** The latencies of several together. Pure. */
export function mergeAll(parts: Iterable<Latencies>): Latencies {
  const whole = { response: createSketch(), firstToken: createSketch() };
  for (const { response, firstToken } of parts) {
    whole.response.merge(response);
    whole.firstToken.merge(firstToken);
  }
  return whole;
}
