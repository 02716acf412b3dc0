import type { Prompt } from '../../router/classify/prompt.ts';

/** What became of one model that answered a prompt. */
export interface Outcome {
  /** What the answer was worth, in [0, 1]. */
  score: number;
  costUsd: number;
}

/** One prompt, and the outcomes of the models that answered it. */
export interface EvaluationRow {
  /** Ids of all rows that hold this prompt, at least one. */
  ids: readonly string[];
  prompt: Prompt;
  features: Uint16Array;
  inputTokens: number;
  /** In which of the folds it is tested, from 0. */
  fold: number;
  /** By which a replay is sorted. */
  order: string;
  /** The kind of work it is, where somebody said so. */
  task: string | null;
  /** For each model of the data, in their order; null where it did not answer. */
  outcomes: ReadonlyArray<Outcome | null>;
  /** False: a model is picked for it, but it is neither learned from nor measured. */
  counts: boolean;
}

/** Mean score of each model over the rows, the mean of all where a model has none; 0.5 where there is no outcome at all. */
export function meanScores(rows: readonly EvaluationRow[], modelCount: number): Float64Array {
  const sums = new Float64Array(modelCount);
  const counts = new Float64Array(modelCount);
  for (const { outcomes } of rows) {
    for (const [model, outcome] of outcomes.entries()) {
      if (outcome === null) continue;
      sums[model] = (sums[model] as number) + outcome.score;
      counts[model] = (counts[model] as number) + 1;
    }
  }
  const count = total(counts);
  const overall = count === 0 ? 0.5 : total(sums) / count;
  return sums.map((sum, model) => (counts[model] === 0 ? overall : sum / (counts[model] as number)));
}

const total = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0);
