import type { Learning, PredictorSummary } from '../../contracts/dashboard.ts';
import type { Executor } from '../../platform/postgres/pool.ts';
import { listIncidents, toIncidentBody } from '../../platform/store/incidents.ts';
import { listLearnerCells } from '../../platform/store/learner-cells.ts';
import { listPredictors, listPredictorTallies, type PredictorTally } from '../../platform/store/predictors.ts';
import { wilsonInterval } from '../../statistics/proportion.ts';
import { betterThreshold, worseThreshold } from '../learn/posterior.ts';

const mostIncidents = 100;
const mostPredictors = 50;

/** What the learner believes beside the scores, what alarmed it, and the predictors that it has trained. */
export async function readLearning(db: Executor): Promise<Learning> {
  const cells = await listLearnerCells(db, null);
  const incidents = await listIncidents(db, { limit: mostIncidents });
  const predictors = await listPredictors(db, mostPredictors);
  const tallies = await listPredictorTallies(db);
  return {
    cells: cells.map((cell) => ({
      model: cell.model,
      complexity: cell.complexity,
      success_rate: cell.successRate,
      n_eff: cell.strength,
      observations: cell.observations,
      prior_share: cell.priorShare,
      alarm: { worse: cell.cusumWorse, worse_at: worseThreshold, better: cell.cusumBetter, better_at: betterThreshold },
      updated_at: new Date(cell.agedAtMs).toISOString(),
    })),
    incidents: incidents.map(toIncidentBody),
    predictors: predictors.map((predictor, index) => ({
      version: predictor.version,
      created_at: predictor.createdAt.toISOString(),
      examples: predictor.examples,
      outcomes_before: predictor.outcomesBefore,
      is_serving: index === 0 && predictor.retiredAt === null,
      retired_at: predictor.retiredAt?.toISOString() ?? null,
      retired_reason: predictor.retiredReason,
      used: armOf(tallies, predictor.version, 'used'),
      held_out: armOf(tallies, predictor.version, 'held_out'),
    })),
  };
}

function armOf(
  tallies: readonly PredictorTally[],
  version: number,
  arm: PredictorTally['arm'],
): PredictorSummary['used'] {
  const { requests, bad } = tallies.find((tally) => tally.version === version && tally.arm === arm) ?? {
    requests: 0,
    bad: 0,
  };
  return {
    requests,
    bad,
    bad_rate: requests === 0 ? null : bad / requests,
    interval: requests === 0 ? null : wilsonInterval(bad, requests),
  };
}
