import type { Config } from '../../platform/config/load.ts';
import { createLoop, type Loop } from '../../platform/core/loop.ts';
import { tryWithAdvisoryLock } from '../../platform/postgres/advisory-lock.ts';
import type { Pool, PoolClient } from '../../platform/postgres/pool.ts';
import { cellKey, latencyOfLastHours } from '../../platform/store/latency-sketches.ts';
import { upsertWatermarks } from '../../platform/store/learner-watermarks.ts';
import { type Cell, countCellsBelow, listCellsToLearn } from '../../platform/store/model-routing-metrics.ts';
import type { Logger } from '../../platform/telemetry/logger.ts';
import type { Metrics } from '../../platform/telemetry/metrics.ts';
import { publishScores, type ScoreDecision } from '../broadcast/publish-scores.ts';
import { describeChange } from './describe-change.ts';
import { type EvidenceWindow, nextScore } from './threshold.ts';

export interface LearnResult {
  /** Cells that had enough evidence. */
  cells: number;
  /** Scores that changed and were published. */
  published: number;
  /** Cells with some evidence, but not enough. */
  below: number;
}

type LearnerRule = Pick<
  Config['learner'],
  'min_samples' | 'success_threshold' | 'slow_ms' | 'min_latencies' | 'interval_ms'
>;

/** Cells learned from in one transaction. */
const cellLimit = 500;
const latencyHours = 24;
/** For models that the catalogue does not know: the middle of the scale. */
const unknownModelScore = 2.5;

/**
 * Learns from everything that was counted since the last time and publishes the scores that changed, in one transaction;
 * learning again from the same evidence changes nothing. Undefined when another process is at it.
 */
export async function learnOnce(pool: Pool, rule: LearnerRule): Promise<LearnResult | undefined> {
  const attempt = await tryWithAdvisoryLock(pool, 'learner', (client) => learn(client, rule));
  return attempt.ran ? attempt.value : undefined;
}

async function learn(client: PoolClient, rule: LearnerRule): Promise<LearnResult> {
  const cells = await listCellsToLearn(client, rule.min_samples, cellLimit);
  const below = await countCellsBelow(client, rule.min_samples);
  if (cells.length === 0) return { cells: 0, published: 0, below };
  const latencies = await latencyOfLastHours(client, latencyHours, [...new Set(cells.map((cell) => cell.model))]);
  const decisions = cells.map((cell) => {
    const p95Ms = latencies.get(cellKey(cell.model, cell.complexity))?.quantile(0.95) ?? null;
    return decideScore(cell, p95Ms, rule);
  });
  const changed = decisions.filter((decision) => decision.newScore !== decision.oldScore);
  await publishScores(client, changed);
  await upsertWatermarks(client, cells);
  return { cells: cells.length, published: changed.length, below };
}

function decideScore(cell: Cell, p95Ms: number | null, rule: LearnerRule): ScoreDecision {
  const catalogueScore = cell.catalogueScore ?? unknownModelScore;
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

export interface LearnerOptions {
  config: Pick<Config, 'learner'>;
  pool: Pool;
  log: Logger;
  metrics: Metrics;
}

/** Learns on a schedule. Any number may run; one at a time learns. */
export function createLearner({ config, pool, log, metrics }: LearnerOptions): Loop {
  const ticks = metrics.counter('signalbox_learner_ticks_total', 'Rounds of the learner.', ['result']);
  const published = metrics.counter('signalbox_score_updates_published_total', 'Learned scores that changed.');
  const below = metrics.gauge(
    'signalbox_learner_cells_below_min_samples',
    'Pairs of model and complexity with new outcomes, but too few to learn from.',
  );
  return createLoop({
    name: 'learner',
    intervalMs: config.learner.interval_ms,
    log,
    failures: metrics.counter('signalbox_loop_failures_total', 'Failed rounds of background loops.', ['loop']),
    async runOnce() {
      const result = await learnOnce(pool, config.learner);
      ticks.inc({ result: result === undefined ? 'elsewhere' : result.cells === 0 ? 'nothing_new' : 'learned' });
      if (result === undefined) return undefined;
      below.set(result.below);
      published.inc(result.published);
      if (result.cells > 0) log.info({ cells: result.cells, published: result.published }, 'learned');
      return result.cells === cellLimit ? 'again' : undefined;
    },
  });
}
