import type { HistoryWindow, ModelHistory, ScoreStep } from '../../contracts/dashboard.ts';
import { complexities, type Complexity } from '../../contracts/query-class.ts';
import type { Executor } from '../../platform/postgres/pool.ts';
import { listIncidents, toIncidentBody } from '../../platform/store/incidents.ts';
import { listNewestScoreUpdates, type ScoreChange } from '../../platform/store/score-updates.ts';
import { readTrafficSeries } from '../../platform/store/traffic.ts';
import { readLatencies } from '../../platform/store/traffic-latencies.ts';
import { perComplexity } from './score-cells.ts';
import { addUp, quantilesOf, toModelTraffic } from './traffic.ts';
import { lookBack } from './windows.ts';

const mostSteps = 500;
const mostIncidents = 50;

/** One model of one provider over time: what was believed, what it did, and when it changed without a word. */
export async function readModelHistory(
  db: Executor,
  of: { provider: string; model: string },
  window: HistoryWindow,
  nowMs: number,
): Promise<ModelHistory> {
  const look = lookBack(window, nowMs);
  const { since, starts, bucketSeconds } = look;
  const series = await readTrafficSeries(db, 'hour', look, bucketSeconds, of);
  const sumsAt = new Map(series.map((sums) => [sums.at.getTime(), sums]));
  const latencies = await readLatencies(db, 3600, look, of, (at) =>
    String(Math.floor((at.getTime() - since.getTime()) / (1000 * bucketSeconds))),
  );
  const steps = new Map<Complexity, ScoreStep[]>();
  for (const complexity of complexities) {
    const changes = await listNewestScoreUpdates(db, { model: of.model, complexity, since }, mostSteps);
    steps.set(complexity, changes.map(toStep).reverse());
  }
  const incidents = await listIncidents(db, { modelId: of.model, since, limit: mostIncidents });
  return {
    window,
    since: since.toISOString(),
    until: new Date(nowMs).toISOString(),
    provider: of.provider,
    model_id: of.model,
    bucket_seconds: bucketSeconds,
    scores: perComplexity((complexity) => steps.get(complexity) ?? []),
    series: starts.map((at, index) => {
      const latency = latencies.get(String(index));
      return {
        at: at.toISOString(),
        ...toModelTraffic(sumsAt.get(at.getTime()) ?? addUp([])),
        latency_ms: quantilesOf(latency?.response),
        first_token_ms: quantilesOf(latency?.firstToken),
      };
    }),
    incidents: incidents.map(toIncidentBody),
  };
}

function toStep(change: ScoreChange): ScoreStep {
  return {
    seq: change.seq,
    at: change.timestamp.toISOString(),
    old_score: change.oldScore,
    score: change.newScore,
    interval: change.interval,
    n_eff: change.strength,
    reason: change.reason,
  };
}
