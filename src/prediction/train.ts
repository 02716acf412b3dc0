import { dot, evenVector, type SparseVector } from '../statistics/sparse.ts';
import { sparseRidge } from '../statistics/sparse-ridge.ts';
import { contrastsOf } from './familiarity.ts';
import { partOf } from './folds.ts';
import { outcomeVariance, type Predictor } from './predictor.ts';
import { join, quantise } from './quantised-matrix.ts';
import { sharesToLearnFrom, type TopicModel } from './topics.ts';

/** One prompt, and what became of the models that answered it. */
export interface TrainingRow {
  features: Uint16Array;
  /** `model` is a place in the list of models, `outcome` lies in [0, 1]. */
  observed: readonly { model: number; outcome: number }[];
  /** How much the row counts; above 0. */
  weight: number;
}

/** A model and what is held of it before anything was seen: an expected outcome, worth so many observations. */
export interface TrainingModel {
  name: string;
  prior: { outcome: number; strength: number };
}

/** Least and most observations that a belief may count for before anything is seen of its cell. */
const leastStrength = 5;
const mostStrength = 1e6;
/** Penalty of single features, in observations: high, since weak regularisation loses. */
const residualPenalty = 6;

/**
 * Learns from rows, in three steps that each explain what the one before left, shrunk towards it by what was seen: the mean
 * of each model (towards its prior); the mean of each model on each topic (towards its own mean and how hard the topic is
 * for all); and what single features add (towards nothing, by ridge regression). Pure and deterministic, whatever the order
 * of models; a row may have seen one model or all.
 */
export function trainPredictor(
  rows: readonly TrainingRow[],
  models: readonly TrainingModel[],
  topics: TopicModel,
): Predictor {
  const topicCount = topics.weights.columns;
  const shares = sharesToLearnFrom(
    topics,
    rows.map(({ features }) => features),
  );
  const means = modelMeans(rows, models);
  const cells = countCells(rows, shares, models.length, topicCount);
  const difficulty = topicDifficulties(cells, means, topicCount);
  const expected = Float64Array.from(cells.seen, (_, cell) =>
    clip((means[Math.floor(cell / topicCount)] as number) + (difficulty[cell % topicCount] as number)),
  );
  const strength = strengthOf(cells, expected);
  const topicMeans = Float32Array.from(
    models.flatMap((_, model) => {
      const own = expected.subarray(model * topicCount, (model + 1) * topicCount);
      return [...cellMeans(model, rows, shares, own, strength)];
    }),
  );
  // An expectation is worth no more than what it rests on: all that was seen of the model.
  const ofModel = models.map(({ prior }, model) => {
    const own = cells.seen.subarray(model * topicCount, (model + 1) * topicCount);
    return prior.strength + own.reduce((sum, seen) => sum + seen, 0);
  });
  const topicEvidence = Float32Array.from(cells.seen, (seen, cell) => {
    return Math.min(strength, ofModel[Math.floor(cell / topicCount)] as number) + seen;
  });

  const vectors = rows.map(({ features }) => evenVector(features));
  const left = models.map((_, model) =>
    whatIsLeft(model, rows, vectors, (row) => {
      let mean = 0;
      const share = shares[row] as Float64Array;
      for (let topic = 0; topic < topicCount; topic += 1) {
        mean += (share[topic] as number) * (topicMeans[model * topicCount + topic] as number);
      }
      return mean;
    }),
  );
  const kept = keptElsewhere(left);
  const residuals = left.map((of) => fitResiduals(of).map((weight) => kept * weight));
  const overall = Float32Array.from(means);
  return {
    topics: topicCount,
    weights: join(topics.weights, quantise(residuals)),
    models: models.map(({ name }) => name),
    modelMeans: overall,
    topicMeans,
    topicEvidence,
    contrasts: contrastsOf(topicCount, overall, topicMeans),
  };
}

function modelMeans(rows: readonly TrainingRow[], models: readonly TrainingModel[]): Float64Array {
  const sums = Float64Array.from(models, ({ prior }) => prior.outcome * prior.strength);
  const counts = Float64Array.from(models, ({ prior }) => prior.strength);
  for (const { observed, weight } of rows) {
    for (const { model, outcome } of observed) {
      sums[model] = (sums[model] as number) + weight * outcome;
      counts[model] = (counts[model] as number) + weight;
    }
  }
  return sums.map((sum, model) => sum / (counts[model] as number));
}

/** What was seen of each model on each topic, `model · topics + topic`: weights, and outcomes times weights. */
interface Cells {
  seen: Float64Array;
  sums: Float64Array;
  /** Of single outcomes about the mean of their cell. */
  variance: number;
}

function countCells(
  rows: readonly TrainingRow[],
  shares: readonly Float64Array[],
  modelCount: number,
  topicCount: number,
): Cells {
  const seen = new Float64Array(modelCount * topicCount);
  const sums = new Float64Array(modelCount * topicCount);
  let squares = 0;
  for (const [index, { observed, weight }] of rows.entries()) {
    const row = shares[index] as Float64Array;
    for (const { model, outcome } of observed) {
      squares += weight * outcome * outcome;
      const offset = model * topicCount;
      for (let topic = 0; topic < topicCount; topic += 1) {
        const part = weight * (row[topic] as number);
        seen[offset + topic] = (seen[offset + topic] as number) + part;
        sums[offset + topic] = (sums[offset + topic] as number) + part * outcome;
      }
    }
  }
  const all = seen.reduce((sum, value) => sum + value, 0);
  const explained = sums.reduce((sum, value, cell) => sum + (value * value) / Math.max(1e-9, seen[cell] as number), 0);
  return { seen, sums, variance: all === 0 ? outcomeVariance : Math.max(1e-6, (squares - explained) / all) };
}

/** By how much outcomes on each topic lie above or below the means of the models that were seen there, shrunk. */
function topicDifficulties(cells: Cells, means: Float64Array, topicCount: number): Float64Array {
  const pooled: Cells = {
    seen: new Float64Array(topicCount),
    sums: new Float64Array(topicCount),
    variance: cells.variance,
  };
  for (const [cell, seen] of cells.seen.entries()) {
    const topic = cell % topicCount;
    pooled.seen[topic] = (pooled.seen[topic] as number) + seen;
    const above = (cells.sums[cell] as number) - seen * (means[Math.floor(cell / topicCount)] as number);
    pooled.sums[topic] = (pooled.sums[topic] as number) + above;
  }
  const strength = strengthOf(pooled, new Float64Array(topicCount));
  return pooled.sums.map((sum, topic) => sum / (strength + (pooled.seen[topic] as number)));
}

/**
 * Observations that the expectation of a cell counts for: variance of an outcome by the variance of the cells about what is
 * expected of them, beyond what chance explains (empirical Bayes by the method of moments). Where cells differ by chance
 * alone, the expectation holds whatever is seen.
 */
function strengthOf({ seen, sums, variance }: Cells, expected: Float64Array): number {
  let excess = 0;
  let total = 0;
  for (const [cell, count] of seen.entries()) {
    if (count === 0) continue;
    const difference = (sums[cell] as number) / count - (expected[cell] as number);
    // A cell of less than one observation has no variance of its own to take off.
    excess += count * difference * difference - Math.min(1, count) * variance;
    total += count;
  }
  if (excess <= 0) return mostStrength;
  return Math.min(mostStrength, Math.max(leastStrength, (variance * total) / excess));
}

/** Rounds in which the means of a model's topics are brought in line with each other. */
const rounds = 20;

/**
 * The means of a model on each topic that explain its outcomes best, when what is expected of them counts for `strength`
 * observations each: by ridge regression on the shares, since a prompt that is of several topics says of none of them alone
 * what it is worth. Where prompts are of one topic each, these are plain means. Solved by Gauss–Seidel.
 */
function cellMeans(
  model: number,
  rows: readonly TrainingRow[],
  shares: readonly Float64Array[],
  expected: Float64Array,
  strength: number,
): Float64Array {
  const count = expected.length;
  const products = new Float64Array(count * count);
  const left = new Float64Array(count);
  for (const [index, { observed, weight }] of rows.entries()) {
    const share = shares[index] as Float64Array;
    for (const one of observed) {
      if (one.model !== model) continue;
      for (let topic = 0; topic < count; topic += 1) {
        const part = weight * (share[topic] as number);
        left[topic] = (left[topic] as number) + part * one.outcome;
        for (let other = 0; other < count; other += 1) {
          const at = topic * count + other;
          products[at] = (products[at] as number) + part * (share[other] as number);
        }
      }
    }
  }
  const means = expected.slice();
  for (let round = 0; round < rounds; round += 1) {
    for (let topic = 0; topic < count; topic += 1) {
      let explained = 0;
      for (let other = 0; other < count; other += 1) {
        if (other !== topic) explained += (products[topic * count + other] as number) * (means[other] as number);
      }
      const own = products[topic * count + topic] as number;
      means[topic] = clip(
        (strength * (expected[topic] as number) + (left[topic] as number) - explained) / (strength + own),
      );
    }
  }
  return means;
}

const clip = (value: number): number => Math.min(1, Math.max(0, value));

/** What topics leave unexplained of the outcomes of one model. */
interface Left {
  vectors: SparseVector[];
  values: number[];
  weights: number[];
}

function whatIsLeft(
  model: number,
  rows: readonly TrainingRow[],
  vectors: readonly SparseVector[],
  explained: (row: number) => number,
): Left {
  const left: Left = { vectors: [], values: [], weights: [] };
  for (const [index, { observed, weight }] of rows.entries()) {
    for (const one of observed) {
      if (one.model !== model) continue;
      left.vectors.push(vectors[index] as SparseVector);
      left.values.push(one.outcome - explained(index));
      left.weights.push(weight);
    }
  }
  return left;
}

const fitResiduals = ({ vectors, values, weights }: Left): Float64Array =>
  sparseRidge(vectors, Float64Array.from(values), residualPenalty, Float64Array.from(weights));

/** One prompt of so many is kept from the regression to see how well it tells what is left of the others. */
const testedPart = 3;

/**
 * How much of what features say holds for prompts that were not learned from, in [0, 1], over all models: the slope of what is
 * left there on what the features of the others say. Where features tell nothing, about 0.
 */
function keptElsewhere(left: readonly Left[]): number {
  let product = 0;
  let square = 0;
  for (const { vectors, values, weights } of left) {
    const isTested = vectors.map(({ indices }) => partOf(indices, testedPart) === 0);
    const isSeen = (_: unknown, row: number): boolean => isTested[row] === false;
    const residuals = fitResiduals({
      vectors: vectors.filter(isSeen),
      values: values.filter(isSeen),
      weights: weights.filter(isSeen),
    });
    for (let row = 0; row < vectors.length; row += 1) {
      if (isTested[row] === false) continue;
      const said = dot(vectors[row] as SparseVector, residuals);
      product += (weights[row] as number) * said * (values[row] as number);
      square += (weights[row] as number) * said * said;
    }
  }
  return square === 0 ? 0 : clip(product / square);
}
