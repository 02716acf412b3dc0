import type { ScoreCell } from '../../contracts/dashboard.ts';
import type { Model } from '../../contracts/model.ts';
import { complexities, type Complexity, type PerComplexity } from '../../contracts/query-class.ts';
import type { LearnedScore } from '../../platform/store/complexity-scores.ts';
import type { CellBelief } from '../../platform/store/learner-cells.ts';

/** What is believed of a model of the catalogue, at each complexity. Pure. */
export type ScoreCellsOf = (model: Model) => PerComplexity<ScoreCell>;

export function createScoreCells(scores: readonly LearnedScore[], beliefs: readonly CellBelief[]): ScoreCellsOf {
  const keyOf = (model: string, complexity: Complexity): string => `${complexity} ${model}`;
  const scoreOf = new Map(scores.map((score) => [keyOf(score.model, score.complexity), score]));
  const beliefOf = new Map(beliefs.map((belief) => [keyOf(belief.model, belief.complexity), belief]));
  return (model) =>
    perComplexity((complexity) => {
      const key = keyOf(model.model_id, complexity);
      const learned = scoreOf.get(key);
      const belief = beliefOf.get(key);
      const catalogueScore = model.complexity_scores[complexity];
      return {
        score: learned?.score ?? catalogueScore,
        is_learned: learned !== undefined,
        catalogue_score: catalogueScore,
        interval: learned?.interval ?? null,
        n_eff: belief?.strength ?? null,
        success_rate: belief?.successRate ?? null,
        reason: learned?.reason ?? null,
        updated_at: learned?.updatedAt.toISOString() ?? null,
      };
    });
}

/** One value for each complexity. */
export function perComplexity<T>(make: (complexity: Complexity) => T): PerComplexity<T> {
  return Object.fromEntries(complexities.map((complexity) => [complexity, make(complexity)])) as PerComplexity<T>;
}
