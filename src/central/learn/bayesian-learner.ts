import type { Config } from '../../platform/config/load.ts';
import type { Complexity } from '../../contracts/query-class.ts';
import { readDatabaseTimeMs } from '../../platform/postgres/database-time.ts';
import type { PoolClient } from '../../platform/postgres/pool.ts';
import { listComplexityScores } from '../../platform/store/complexity-scores.ts';
import {
  type LearnerCell,
  listLearnerCells,
  readClocks,
  upsertLearnerCells,
  writeClocks,
} from '../../platform/store/learner-cells.ts';
import { type Drift, openDriftIncidents } from '../../platform/store/incidents.ts';
import { takeEvidence } from '../../platform/store/learner-evidence.ts';
import { listCatalogueScores } from '../../platform/store/models.ts';
import { betaMean } from '../../statistics/beta.ts';
import { middleScore } from '../../statistics/score-scale.ts';
import { publishScores, type ScoreDecision } from '../broadcast/publish-scores.ts';
import { describeFinding } from './describe-change.ts';
import type { Evidence, Part } from './evidence.ts';
import {
  ageCell,
  type Alarm,
  type Cell,
  cellKeyOf,
  type Forgetting,
  isSharedView,
  learnFrom,
  newCell,
} from './fleet-beliefs.ts';
import type { LearnResult } from './learn-result.ts';
import { noBelief, posteriorOf } from './posterior.ts';
import { nextPublished, scoreInterval } from './publication.ts';
import { recentP95 } from './recent-latency.ts';
import { refinementsOf } from './refinements.ts';

type Rule = Pick<
  Config['learner'],
  'half_life_requests' | 'half_life_hours' | 'min_samples' | 'slow_ms' | 'min_latencies'
>;

/** Rows of evidence that one transaction takes. */
const evidenceLimit = 5000;
/** What slowness can take off at the most, and what it takes for each time that a model is as slow again as is slow. */
const mostSlowness = 0.5;
const slownessPerMultiple = 0.1;

/**
 * Takes in the evidence that has come, and publishes the scores that it moves, in the transaction of `client`. Without new
 * evidence nothing changes.
 */
export async function learnFromEvidence(client: PoolClient, rule: Rule): Promise<LearnResult> {
  const evidence = await takeEvidence(client, evidenceLimit);
  if (evidence.length === 0) return { cells: 0, published: 0, below: 0, alarms: [], more: false };
  const models = [...new Set(evidence.map(({ model }) => model))].sort();
  const stored = await listLearnerCells(client, models);
  const catalogue = await listCatalogueScores(client, models);
  const catalogueScore = (model: string, complexity: Complexity): number =>
    catalogue.get(model)?.[complexity] ?? middleScore;
  const forgetting = forgettingOf(rule);
  const nowMs = await readDatabaseTimeMs(client);
  const known = new Map(stored.map((row) => [cellKeyOf(row.model, row.complexity), toCell(row)]));
  const learned = learnFrom({ clocks: await readClocks(client), cells: known }, evidence, {
    catalogueScore,
    nowMs,
    forgetting,
  });
  const touched = [...learned.touched].flatMap((key) => learned.cells.get(key) ?? []);
  await writeClocks(client, learned.clocks);
  await upsertLearnerCells(
    client,
    touched.map((cell) => toRow(cell, catalogueScore(cell.model, cell.complexity))),
  );

  const worse = touched.filter(({ model, complexity }) => learned.alarms.get(cellKeyOf(model, complexity)) === 'worse');
  await openDriftIncidents(
    client,
    worse.map((cell) =>
      driftOf(
        known.get(cellKeyOf(cell.model, cell.complexity)),
        cell,
        evidence,
        catalogueScore(cell.model, cell.complexity),
      ),
    ),
  );

  const { rows: scores } = await listComplexityScores(client, models);
  const current = new Map(scores.map((score) => [cellKeyOf(score.model, score.complexity), score.score]));
  const p95Of = await recentP95(client, models);
  const decisions = touched.map((cell) => {
    const key = cellKeyOf(cell.model, cell.complexity);
    const catalogued = catalogueScore(cell.model, cell.complexity);
    const p95Ms = p95Of(cell.model, cell.complexity);
    return decideScore(cell, catalogued, current.get(key) ?? catalogued, learned.alarms.get(key) ?? null, p95Ms, rule);
  });
  const changed = decisions.filter((decision) => decision.newScore !== decision.oldScore);
  await publishScores(client, changed);
  return {
    cells: touched.length,
    published: changed.length,
    below: touched.filter((cell) => cell.belief.observations < rule.min_samples).length,
    alarms: touched.flatMap(({ model, complexity }) => {
      const change = learned.alarms.get(cellKeyOf(model, complexity));
      return change === undefined ? [] : [{ model, complexity, change }];
    }),
    more: evidence.length === evidenceLimit,
  };
}

/** Ages what nobody has asked for lately, so that the routers see how old it is. In the transaction of `client`. */
export async function ageBeliefs(client: PoolClient, rule: Rule): Promise<void> {
  const stored = await listLearnerCells(client, null);
  const clocks = await readClocks(client);
  const catalogue = await listCatalogueScores(client, [...new Set(stored.map(({ model }) => model))]);
  const forgetting = forgettingOf(rule);
  const nowMs = await readDatabaseTimeMs(client);
  const aged = stored.flatMap((row) => {
    const cell = toCell(row);
    const older = ageCell(cell, clocks.get(cell.complexity) ?? 0, nowMs, forgetting);
    return older === cell ? [] : [toRow(older, catalogue.get(cell.model)?.[cell.complexity] ?? middleScore)];
  });
  await upsertLearnerCells(client, aged);
}

/** A cell that begins at a score that somebody has put back. */
export function cellAt(
  model: string,
  complexity: Complexity,
  score: number,
  catalogueScore: number,
  clock: number,
  nowMs: number,
): LearnerCell {
  return toRow({ ...newCell(model, complexity, clock, nowMs), baseScore: score }, catalogueScore);
}

function forgettingOf(rule: Rule): Forgetting {
  return { halfLifeRequests: rule.half_life_requests, halfLifeMs: rule.half_life_hours * 3_600_000 };
}

/** What `evidence` has changed of a cell; `before` undefined where nothing had been seen of it. */
function driftOf(before: Cell | undefined, after: Cell, evidence: readonly Evidence[], catalogueScore: number): Drift {
  const { model, complexity } = after;
  const ofCell = evidence.filter((one) => one.model === model && one.complexity === complexity);
  const sum = (count: (one: Evidence) => number): number => ofCell.reduce((total, one) => total + count(one), 0);
  const rateOf = ({ belief, baseScore }: Pick<Cell, 'belief' | 'baseScore'>): number =>
    betaMean(posteriorOf(belief, baseScore ?? catalogueScore));
  return {
    model,
    complexity,
    detail: {
      success_rate_before: rateOf(before ?? { belief: noBelief, baseScore: null }),
      success_rate_after: rateOf(after),
      observations_before: before?.belief.observations ?? 0,
      evidence: {
        requests: sum((one) => one.requests),
        successes: sum((one) => one.successes),
        failures: sum((one) => one.failures),
      },
    },
  };
}

function decideScore(
  cell: Cell,
  catalogueScore: number,
  oldScore: number,
  alarm: Alarm | null,
  p95Ms: number | null,
  rule: Rule,
): ScoreDecision {
  const posterior = posteriorOf(cell.belief, cell.baseScore ?? catalogueScore);
  const meanMs = cell.responseTimes < rule.min_latencies ? null : cell.responseTimeSumMs / cell.responseTimes;
  const slowness =
    meanMs === null ? 0 : Math.min(mostSlowness, Math.max(0, slownessPerMultiple * (meanMs / rule.slow_ms - 1)));
  const strength = posterior.alpha + posterior.beta;
  const newScore = nextPublished(oldScore, {
    posterior,
    observations: cell.belief.observations,
    minObservations: rule.min_samples,
    slowness,
    isAlarm: alarm === 'worse',
    mayFall: alarm === 'worse' || isSharedView(cell, oldScore),
  });
  return {
    model: cell.model,
    complexity: cell.complexity,
    oldScore,
    newScore,
    priorScore: catalogueScore,
    sampleSize: Math.round(cell.belief.observations),
    successRate: betaMean(posterior),
    avgResponseTimeMs: meanMs,
    p95Ms,
    interval: scoreInterval(posterior),
    strength,
    reason: describeFinding({ oldScore, newScore, posterior, alarm, meanMs, observations: cell.belief.observations }),
  };
}

function toCell(row: LearnerCell): Cell {
  return {
    model: row.model,
    complexity: row.complexity,
    belief: {
      successes: row.successes,
      failures: row.failures,
      observations: row.observations,
      priorShare: row.priorShare,
      worse: row.cusumWorse,
      better: row.cusumBetter,
    },
    parts: row.parts as readonly Part[],
    responseTimes: row.responseTimes,
    responseTimeSumMs: row.responseTimeSumMs,
    clock: row.clock,
    atMs: row.agedAtMs,
    baseScore: row.baseScore,
  };
}

function toRow(cell: Cell, catalogueScore: number): LearnerCell {
  const { belief } = cell;
  const posterior = posteriorOf(belief, cell.baseScore ?? catalogueScore);
  return {
    model: cell.model,
    complexity: cell.complexity,
    successes: belief.successes,
    failures: belief.failures,
    observations: belief.observations,
    priorShare: belief.priorShare,
    cusumWorse: belief.worse,
    cusumBetter: belief.better,
    responseTimes: cell.responseTimes,
    responseTimeSumMs: cell.responseTimeSumMs,
    parts: cell.parts,
    baseScore: cell.baseScore,
    clock: cell.clock,
    agedAtMs: cell.atMs,
    successRate: betaMean(posterior),
    strength: posterior.alpha + posterior.beta,
    refinements: refinementsOf(cell, catalogueScore),
  };
}
