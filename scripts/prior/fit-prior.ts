import { complexities } from '../../src/contracts/query-class.ts';
import { type Effects, effectsOf, type Prior } from '../../src/prediction/prior.ts';
import { quantise, type QuantisedMatrix } from '../../src/prediction/quantised-matrix.ts';
import { findTopics, type TopicModel, topicShares } from '../../src/prediction/topics.ts';
import { evenVector, sparseLength, type SparseVector } from '../../src/statistics/sparse.ts';
import { sparseRidge } from '../../src/statistics/sparse-ridge.ts';
import type { PublicRow, Source } from './public-data.ts';

/** Prompts that an average topic counts for, in its ease and in its separation. */
const easeStrength = 100;
const separationStrength = 20;
/** Penalty of single features, in prompts; higher ones tell less of the other data set. */
const easePenalty = 30;
const separationPenalty = 10;
/** A question without its choices counts by half, since it was asked with them. */
const weightOfBare = 0.5;
/** What fewer prompts have is not learned from: it is most of the weights, tells little, and could tell of single prompts. */
export const leastPrompts = 100;

/** Which topic a prompt is of, learned from the rows that have one, with and without their choices. */
export function fitTopics(rows: readonly PublicRow[]): TopicModel {
  const isCommon = commonFeatures(rows);
  const prompts: Uint16Array[] = [];
  const labels: number[] = [];
  for (const { topic, features, bareFeatures } of rows) {
    if (topic === null) continue;
    for (const prompt of bareFeatures === null ? [features] : [features, bareFeatures]) {
      prompts.push(prompt.filter(isCommon));
      labels.push(topic);
    }
  }
  return findTopics(prompts, Int32Array.from(labels));
}

/** Whether enough of the rows have a feature. */
function commonFeatures(rows: readonly PublicRow[]): (feature: number) => boolean {
  const counts = new Uint32Array(sparseLength);
  for (const { features } of rows) {
    for (const feature of features) counts[feature] = (counts[feature] as number) + 1;
  }
  return (feature) => (counts[feature] as number) >= leastPrompts;
}

/** The vector of a prompt, of its common features alone. */
function vectorOf(features: Uint16Array, isCommon: (feature: number) => boolean): SparseVector {
  const indices = features.filter(isCommon);
  return { indices, values: evenVector(features).values.subarray(0, indices.length) };
}

/**
 * Learns ease and separation from rows: first of topics, shrunk towards those of an average prompt by how little was seen,
 * then what single features add, by ridge regression. Deterministic.
 */
export function fitPrior(rows: readonly PublicRow[], topics: TopicModel): Prior {
  const telling = rows.filter(({ tellsDifficulty }) => tellsDifficulty);
  const means = modelMeans(telling);
  const observations = telling.map((row) => observe(row, topics, means));
  const topicEffects = fitTopicEffects(observations, topics.weights.columns);
  const featureEffects = fitFeatureEffects(observations, topicEffects, commonFeatures(rows));
  const prior = { topics, topicEffects, featureEffects };
  return { ...prior, centres: centresOf(rows, { ...prior, centres: noEffects(complexities.length) }) };
}

/** What one prompt says of ease and separation. */
interface Observation {
  row: PublicRow;
  shares: Float64Array;
  /** Mean outcome, less the mean of what the same models do on average. */
  ease: number;
  /** Σ of (outcome less what the models do on average) times how much stronger a model is than the others of the row. */
  separation: number;
  /** Σ of the squares of the latter; 0 where the models are equally strong. */
  spread: number;
}

function observe(row: PublicRow, topics: TopicModel, means: ReadonlyMap<string, number>): Observation {
  const models = [...row.outcomes].map(([model, outcome]) => ({
    outcome,
    ability: means.get(key(row.source, model)) ?? 0,
  }));
  const middle = models.reduce((sum, { ability }) => sum + ability, 0) / models.length;
  const sums = { ease: 0, separation: 0, spread: 0 };
  for (const { outcome, ability } of models) {
    const stronger = ability - middle;
    sums.ease += (outcome - ability) / models.length;
    sums.separation += (outcome - ability) * stronger;
    sums.spread += stronger * stronger;
  }
  return { row, shares: topicShares(topics, row.features), ...sums };
}

const key = (source: Source, model: string): string => `${source} ${model}`;

/** Mean outcome of each model of each source: an average prompt of one source counts as hard as one of another. */
function modelMeans(rows: readonly PublicRow[]): Map<string, number> {
  const totals = new Map<string, { sum: number; count: number }>();
  for (const { source, outcomes } of rows) {
    for (const [model, outcome] of outcomes) {
      const total = totals.get(key(source, model)) ?? { sum: 0, count: 0 };
      totals.set(key(source, model), { sum: total.sum + outcome, count: total.count + 1 });
    }
  }
  return new Map([...totals].map(([name, { sum, count }]) => [name, sum / count]));
}

function noEffects(count: number): Effects<Float32Array> {
  return { ease: new Float32Array(count), separation: new Float32Array(count) };
}

function fitTopicEffects(observations: readonly Observation[], count: number): Effects<Float32Array> {
  const sums = noEffects(count);
  const seen = { ease: new Float32Array(count).fill(easeStrength), separation: new Float32Array(count) };
  const meanSpread = observations.reduce((sum, { spread }) => sum + spread, 0) / observations.length;
  seen.separation.fill(separationStrength * meanSpread);
  for (const { shares, ease, separation, spread } of observations) {
    for (const [topic, share] of shares.entries()) {
      add(sums.ease, topic, share * ease);
      add(seen.ease, topic, share);
      add(sums.separation, topic, share * separation);
      add(seen.separation, topic, share * spread);
    }
  }
  const divide = (sum: Float32Array, by: Float32Array): Float32Array =>
    sum.map((value, topic) => value / (by[topic] as number));
  return { ease: divide(sums.ease, seen.ease), separation: divide(sums.separation, seen.separation) };
}

function add(numbers: Float32Array, place: number, value: number): void {
  numbers[place] = (numbers[place] as number) + value;
}

function fitFeatureEffects(
  observations: readonly Observation[],
  topicEffects: Effects<Float32Array>,
  isCommon: (feature: number) => boolean,
): QuantisedMatrix {
  const examples = observations.flatMap(({ row, shares, ...observed }) => {
    const explained = (effects: Float32Array): number =>
      shares.reduce((sum, share, topic) => sum + share * (effects[topic] as number), 0);
    const example = {
      ease: observed.ease - explained(topicEffects.ease),
      separation:
        observed.spread === 0 ? 0 : observed.separation / observed.spread - explained(topicEffects.separation),
      spread: observed.spread,
    };
    const full = { ...example, vector: vectorOf(row.features, isCommon), weight: 1 };
    if (row.bareFeatures === null) return [full];
    return [full, { ...example, vector: vectorOf(row.bareFeatures, isCommon), weight: weightOfBare }];
  });
  const meanSpread = examples.reduce((sum, { spread }) => sum + spread, 0) / examples.length;
  const vectors = examples.map(({ vector }) => vector);
  const ease = sparseRidge(
    vectors,
    Float64Array.from(examples, (example) => example.ease),
    easePenalty,
    Float64Array.from(examples, ({ weight }) => weight),
  );
  // A row says the more of separation the further its models are apart.
  const separating = examples.filter(({ spread }) => spread > 0);
  const separation = sparseRidge(
    separating.map(({ vector }) => vector),
    Float64Array.from(separating, (example) => example.separation),
    separationPenalty,
    Float64Array.from(separating, ({ weight, spread }) => (weight * spread) / meanSpread),
  );
  return quantise([ease, separation]);
}

function centresOf(rows: readonly PublicRow[], prior: Prior): Effects<Float32Array> {
  const sums = noEffects(complexities.length);
  const counts = new Float32Array(complexities.length);
  for (const { features, complexity } of rows) {
    const place = complexities.indexOf(complexity);
    const { ease, separation } = effectsOf(prior, features);
    add(sums.ease, place, ease);
    add(sums.separation, place, separation);
    add(counts, place, 1);
  }
  const divide = (sum: Float32Array): Float32Array =>
    sum.map((value, place) => value / Math.max(1, counts[place] as number));
  return { ease: divide(sums.ease), separation: divide(sums.separation) };
}
