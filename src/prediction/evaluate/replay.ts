import { choiceProbabilities, type ExplorationBounds, pickByProbability } from '../../router/select/explore.ts';
import { createRandom, type Random } from '../../statistics/random.ts';
import { highestScore } from '../../statistics/score-scale.ts';
import { outcomeVariance, deviationsOf, predict, type Predictor } from '../predictor.ts';
import { findTopics, type TopicModel } from '../topics.ts';
import { trainPredictor, type TrainingModel, type TrainingRow } from '../train.ts';
import type { EvaluationRow } from './rows.ts';

/** A model that is not all the time what it is, from the request of that number on. */
export interface Change {
  kind: 'degrade' | 'add' | 'remove';
  model: number;
  at: number;
}

export interface ReplayOptions {
  models: readonly TrainingModel[];
  /** What is known before the first request, with the outcomes of all models. */
  known: readonly TrainingRow[];
  bounds: ExplorationBounds;
  seed: string;
  /** Part of the outcomes that never arrive, in [0, 1]. */
  dropped: number;
  /** Part of the outcomes that arrive as their opposite, in [0, 1]. */
  flipped: number;
  /** Requests that pass before an outcome arrives. */
  delay: number;
  change: Change | null;
}

/** What each request of a stream came to. */
export interface Replayed {
  picks: Int32Array;
  scores: Float64Array;
}

/** A score is multiplied by this when its model has degraded. */
const degradedTo = 0.5;
/** It is learned anew when so many outcomes have arrived, and whenever their number has grown by `growth`. */
const firstTraining = 50;
const growth = 1.15;
/** Topics are found anew when so many prompts are known, and whenever their number has doubled. */
const firstTopics = 200;
/** Chances by which a choice is made, drawn anew for every request. */
const drawCount = 64;

/** The score that a model's answer to the request of a stream has; null where it is not offered. */
export function scoreAt(row: EvaluationRow, request: number, model: number, change: Change | null): number | null {
  const score = row.outcomes[model]?.score;
  if (score === undefined) return null;
  if (change?.model !== model) return score;
  if (change.kind === 'degrade') return request < change.at ? score : degradedTo * score;
  return (change.kind === 'add') === request >= change.at ? score : null;
}

/**
 * Replays a stream of requests of which nothing is shown but the outcome of the model that was chosen, as in production:
 * choices by the router's rule of exploration from what is predicted and how sure that is, learned anew as outcomes arrive.
 * Pure, reproducible for a seed.
 */
export function replay(stream: readonly EvaluationRow[], options: ReplayOptions): Replayed {
  const random = createRandom(options.seed);
  const picks = new Int32Array(stream.length);
  const scores = new Float64Array(stream.length);
  const revealed: TrainingRow[] = [...options.known];
  const seen: Uint16Array[] = options.known.map(({ features }) => features);
  const counts = new Float64Array(options.models.length);
  for (const { observed } of options.known) for (const { model } of observed) increment(counts, model);
  const arriving: Array<{ request: number; row: TrainingRow }> = [];
  let topics: TopicModel | null = null;
  let nextTopics = firstTopics;
  let predictor: Predictor | null = null;
  let nextTraining = firstTraining;

  for (const [request, row] of stream.entries()) {
    while ((arriving[0]?.request ?? Infinity) <= request) {
      const { row: arrived } = arriving.shift() as (typeof arriving)[number];
      revealed.push(arrived);
      for (const { model } of arrived.observed) increment(counts, model);
    }
    if (revealed.length >= nextTraining) {
      if (topics === null || seen.length >= nextTopics) {
        topics = findTopics(seen);
        nextTopics = 2 * Math.max(firstTopics, seen.length);
      }
      predictor = trainPredictor(revealed, options.models, topics);
      nextTraining = growth * revealed.length;
    }
    const pick = choose(row, request, predictor, counts, options, random);
    const score = scoreAt(row, request, pick, options.change) ?? NaN;
    picks[request] = pick;
    scores[request] = score;
    seen.push(row.features);
    if (random.chance(options.dropped)) continue;
    const outcome = random.chance(options.flipped) ? 1 - score : score;
    arriving.push({
      request: request + 1 + options.delay,
      row: { features: row.features, observed: [{ model: pick, outcome }], weight: 1 },
    });
  }
  return { picks, scores };
}

function increment(counts: Float64Array, model: number): void {
  counts[model] = (counts[model] as number) + 1;
}

function choose(
  row: EvaluationRow,
  request: number,
  predictor: Predictor | null,
  counts: Float64Array,
  { models, bounds, change }: ReplayOptions,
  random: Random,
): number {
  const prediction = predictor === null ? null : predict(predictor, row.features);
  const deviations = predictor === null || prediction === null ? null : deviationsOf(predictor, prediction.shares);
  const offered = [...models.keys()].filter((model) => scoreAt(row, request, model, change) !== null);
  const arms = offered.map((model) => {
    const { prior } = models[model] as TrainingModel;
    const mean = prediction?.means[model] ?? prior.outcome;
    // Of the model on the whole, beside what is not known of it on such prompts.
    const modelVariance = outcomeVariance / (prior.strength + (counts[model] as number));
    const deviation = Math.sqrt((deviations?.[model] ?? 0) ** 2 + modelVariance);
    return {
      worth: mean,
      draws: Float64Array.from({ length: drawCount }, () => highestScore * (mean + deviation * random.normal())),
      base: 0,
      slope: 1,
      offset: 0,
      costUsd: 0,
    };
  });
  return offered[pickByProbability(choiceProbabilities(arms, bounds), random.next())] as number;
}

/** What the single model that is best on average in hindsight, and the best model of each request, would have come to. */
export interface References {
  bestSingle: Float64Array;
  oracle: Float64Array;
}

/** Before and after a change the best single model may be another one. */
export function referencesOf(stream: readonly EvaluationRow[], modelCount: number, change: Change | null): References {
  const bestSingle = new Float64Array(stream.length);
  const oracle = new Float64Array(stream.length);
  const boundary = change === null ? stream.length : Math.min(change.at, stream.length);
  for (const [from, to] of [
    [0, boundary],
    [boundary, stream.length],
  ] as const) {
    const sums = new Float64Array(modelCount);
    const seen = new Float64Array(modelCount);
    for (let request = from; request < to; request += 1) {
      for (let model = 0; model < modelCount; model += 1) {
        const score = scoreAt(stream[request] as EvaluationRow, request, model, change);
        if (score === null) continue;
        sums[model] = (sums[model] as number) + score;
        increment(seen, model);
      }
    }
    const order = [...sums.keys()]
      .filter((model) => (seen[model] as number) > 0)
      .sort((a, b) => (sums[b] as number) / (seen[b] as number) - (sums[a] as number) / (seen[a] as number));
    for (let request = from; request < to; request += 1) {
      const row = stream[request] as EvaluationRow;
      const scores = order.map((model) => scoreAt(row, request, model, change)).filter((score) => score !== null);
      bestSingle[request] = scores[0] ?? NaN;
      oracle[request] = Math.max(...scores);
    }
  }
  return { bestSingle, oracle };
}
