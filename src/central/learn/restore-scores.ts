import type { Author } from '../../contracts/audit.ts';
import { type Complexity, complexities } from '../../contracts/query-class.ts';
import { withAdvisoryLock } from '../../platform/postgres/advisory-lock.ts';
import { readDatabaseTimeMs } from '../../platform/postgres/database-time.ts';
import type { Pool } from '../../platform/postgres/pool.ts';
import { appendAudit } from '../../platform/store/audit-log.ts';
import { listComplexityScores } from '../../platform/store/complexity-scores.ts';
import {
  deleteLearnerCells,
  listLearnerCells,
  readClocks,
  upsertLearnerCells,
} from '../../platform/store/learner-cells.ts';
import { deleteEvidence } from '../../platform/store/learner-evidence.ts';
import { listCatalogueScores } from '../../platform/store/models.ts';
import { listCellsToLearn } from '../../platform/store/model-routing-metrics.ts';
import { upsertWatermarks } from '../../platform/store/learner-watermarks.ts';
import { middleScore } from '../../statistics/score-scale.ts';
import { listScoresAsOf } from '../../platform/store/score-updates.ts';
import { publishScores, type ScoreDecision } from '../broadcast/publish-scores.ts';
import { cellAt } from './bayesian-learner.ts';
import { cellKeyOf } from './fleet-beliefs.ts';
import { learnerLock } from './learner.ts';

/** More cells than any catalogue has. */
const mostCells = 100_000;

export interface RestoreRequest {
  /** Number of the update up to which scores are put back; null puts them back to the catalogue's. */
  seq: number | null;
  /** Only of these; null: of all. */
  models: readonly string[] | null;
}

/**
 * Puts scores back to what they were, and begins anew from there: what was observed since is forgotten, since it has led
 * to the scores that are not wanted. Waits for a round of the learner that is under way. Returns the scores that changed.
 */
export function restoreScores(pool: Pool, { seq, models }: RestoreRequest, author: Author): Promise<ScoreDecision[]> {
  return withAdvisoryLock(pool, learnerLock, async (client) => {
    const { rows: current } = await listComplexityScores(client, models);
    const known = await listLearnerCells(client, models);
    const names = [...new Set([...current, ...known].map(({ model }) => model))].sort();
    const catalogue = await listCatalogueScores(client, names);
    const asOf = seq === null ? new Map<string, number>() : await listScoresAsOf(client, seq, cellKeyOf);
    const present = new Map(current.map((score) => [cellKeyOf(score.model, score.complexity), score]));
    const catalogued = (model: string, complexity: Complexity): number =>
      catalogue.get(model)?.[complexity] ?? present.get(cellKeyOf(model, complexity))?.priorScore ?? middleScore;

    const cells = names.flatMap((model) => complexities.map((complexity) => ({ model, complexity })));
    const restored = cells.map(({ model, complexity }) => {
      const key = cellKeyOf(model, complexity);
      const priorScore = catalogued(model, complexity);
      const score = present.get(key);
      // Its update may no longer be in the log.
      const unchanged = seq !== null && score !== undefined && score.seq <= seq ? score.score : undefined;
      const wanted = asOf.get(key) ?? unchanged;
      return { model, complexity, priorScore, wanted, oldScore: score?.score ?? priorScore };
    });
    const counted = await listCellsToLearn(client, 1, mostCells);
    await upsertWatermarks(
      client,
      counted.filter(({ model }) => models === null || models.includes(model)),
    );
    await deleteEvidence(client, models);
    await deleteLearnerCells(client, models);
    const clocks = await readClocks(client);
    const nowMs = await readDatabaseTimeMs(client);
    await upsertLearnerCells(
      client,
      restored.flatMap(({ model, complexity, priorScore, wanted }) =>
        wanted === undefined ? [] : [cellAt(model, complexity, wanted, priorScore, clocks.get(complexity) ?? 0, nowMs)],
      ),
    );
    const where = seq === null ? 'the catalogue' : `update ${seq}`;
    const changes = restored
      .map(({ wanted, ...rest }) => ({ ...rest, newScore: wanted ?? rest.priorScore }))
      .filter(({ oldScore, newScore }) => oldScore !== newScore)
      .map((change): ScoreDecision => ({
        ...change,
        sampleSize: 0,
        successRate: null,
        avgResponseTimeMs: null,
        p95Ms: null,
        interval: null,
        strength: null,
        reason: `put back to ${where}: score ${change.oldScore.toFixed(2)} → ${change.newScore.toFixed(2)}`,
      }));
    await publishScores(client, changes);
    const told = (score: (change: ScoreDecision) => number) =>
      changes.map((change) => ({ model: change.model, complexity: change.complexity, score: score(change) }));
    await appendAudit(client, {
      service: 'central',
      author,
      action: 'scores.restore',
      object: seq === null ? 'catalogue' : String(seq),
      before: told(({ oldScore }) => oldScore),
      after: told(({ newScore }) => newScore),
    });
    return changes;
  });
}
