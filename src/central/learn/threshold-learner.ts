import type { Config } from '../../platform/config/load.ts';
import type { PoolClient } from '../../platform/postgres/pool.ts';
import { deleteLearnerCells } from '../../platform/store/learner-cells.ts';
import { deleteEvidence } from '../../platform/store/learner-evidence.ts';
import { upsertWatermarks } from '../../platform/store/learner-watermarks.ts';
import { type Cell, countCellsBelow, listCellsToLearn } from '../../platform/store/model-routing-metrics.ts';
import { middleScore } from '../../statistics/score-scale.ts';
import { publishScores, type ScoreDecision } from '../broadcast/publish-scores.ts';
import { describeChange } from './describe-change.ts';
import type { LearnResult } from './learn-result.ts';
import { recentP95 } from './recent-latency.ts';
import { type EvidenceWindow, nextScore } from './threshold.ts';

type LearnerRule = Pick<
  Config['learner'],
  'min_samples' | 'success_threshold' | 'slow_ms' | 'min_latencies' | 'interval_ms'
>;

/** Cells learned from in one transaction. */
const cellLimit = 500;

/**
 * Learns by the seed's rule from everything that was counted since the last time, and publishes the scores that changed.
 * Learning again from the same evidence changes nothing.
 */
export async function learnByThreshold(client: PoolClient, rule: LearnerRule): Promise<LearnResult> {
  // Of the other rule: routers would go by its beliefs.
  await deleteEvidence(client, null);
  await deleteLearnerCells(client, null);
  const cells = await listCellsToLearn(client, rule.min_samples, cellLimit);
  const below = await countCellsBelow(client, rule.min_samples);
  if (cells.length === 0) return { cells: 0, published: 0, below, alarms: [], more: false };
  const p95Of = await recentP95(client, [...new Set(cells.map((cell) => cell.model))]);
  const decisions = cells.map((cell) => decideScore(cell, p95Of(cell.model, cell.complexity), rule));
  const changed = decisions.filter((decision) => decision.newScore !== decision.oldScore);
  await publishScores(client, changed);
  await upsertWatermarks(client, cells);
  return { cells: cells.length, published: changed.length, below, alarms: [], more: cells.length === cellLimit };
}

function decideScore(cell: Cell, p95Ms: number | null, rule: LearnerRule): ScoreDecision {
  const catalogueScore = cell.catalogueScore ?? middleScore;
  const oldScore = cell.score ?? catalogueScore;
  const window = newEvidence(cell);
  const newScore = nextScore(oldScore, catalogueScore, window, {
    successThreshold: rule.success_threshold,
    slowMs: rule.slow_ms,
    minLatencies: rule.min_latencies,
  });
  return {
    model: cell.model,
    complexity: cell.complexity,
    oldScore,
    newScore,
    priorScore: catalogueScore,
    sampleSize: window.samples,
    successRate: window.successes / window.samples,
    avgResponseTimeMs: window.meanLatencyMs,
    p95Ms,
    interval: null,
    strength: null,
    reason: describeChange(oldScore, newScore, window),
  };
}

/** What came since the cell was learned from. Feedback may since have taken successes back: never less than none. */
function newEvidence({ totals, learned }: Cell): EvidenceWindow {
  const samples = Math.max(0, totals.usageCount - learned.usageCount);
  const latencies = Math.max(0, totals.responseTimeCount - learned.responseTimeCount);
  const sumMs = Math.max(0, totals.responseTimeSumMs - learned.responseTimeSumMs);
  return {
    samples,
    successes: Math.min(samples, Math.max(0, totals.successCount - learned.successCount)),
    latencies,
    meanLatencyMs: latencies === 0 ? null : sumMs / latencies,
  };
}
