import type { Predictor } from '../predictor.ts';
import { findTopics, type TopicModel } from '../topics.ts';
import { trainPredictor } from '../train.ts';
import { type EvaluationRow, meanScores } from './rows.ts';

/** What a word about a model counts for when nothing was seen of it yet, in observations, as the catalogue's score does. */
const publishedStrength = 10;

/** Topics of some prompts; by their tasks where these are to be used. */
export function topicsOf(rows: readonly EvaluationRow[], useTasks: boolean): TopicModel {
  const features = rows.map((row) => row.features);
  if (!useTasks) return findTopics(features);
  const numbers = new Map<string | null, number>();
  const labels = Int32Array.from(rows, ({ task }) => {
    const number = numbers.get(task) ?? numbers.size;
    numbers.set(task, number);
    return number;
  });
  return findTopics(features, labels);
}

/** Whether tasks can stand in for topics: all rows have one, and not all the same. */
export function haveTasks(rows: readonly EvaluationRow[]): boolean {
  return rows.every(({ task }) => task !== null) && new Set(rows.map(({ task }) => task)).size > 1;
}

/**
 * A predictor of all that rows say, but for one model at the most, of which no outcome is shown: only its mean is known, as
 * a published score states it. Before anything is seen a model is held to be as good as all are on average.
 */
export function fitPredictor(
  rows: readonly EvaluationRow[],
  models: readonly string[],
  topics: TopicModel,
  unseen: number | null,
): Predictor {
  const means = meanScores(rows, models.length);
  return trainPredictor(
    rows.map(({ features, outcomes }) => ({
      features,
      weight: 1,
      observed: outcomes.flatMap((outcome, model) =>
        outcome === null || model === unseen ? [] : [{ model, outcome: outcome.score }],
      ),
    })),
    models.map((name, model) => ({
      name,
      prior: { outcome: means[model] as number, strength: model === unseen ? publishedStrength : 1 },
    })),
    topics,
  );
}
