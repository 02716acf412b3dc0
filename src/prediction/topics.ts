import { clusterOf } from '../statistics/k-means.ts';
import { findLatentSpace, project } from '../statistics/latent-space.ts';
import { fitSoftmax, softmax } from '../statistics/softmax-regression.ts';
import { evenVector, sparseLength, type SparseVector } from '../statistics/sparse.ts';
import { partOf } from './folds.ts';
import { quantise, type QuantisedMatrix, sumColumns } from './quantised-matrix.ts';

/** Tells which kinds of work a prompt is like. The kinds have numbers, not names. */
export interface TopicModel {
  readonly weights: QuantisedMatrix;
}

const latentDimensions = 32;
const mostTopics = 48;
/** Fewer prompts than this for each topic say little of it. */
const promptsPerTopic = 100;
/** A cluster is a guess, so that its logits count for less. */
const surenessOfClusters = 0.7;
/** Added to the logarithm of rarity, so that words which all prompts have still count a little. */
const leastRarity = 0.3;

/** How much a prompt is of each topic; the parts sum to 1. */
export function topicShares({ weights }: TopicModel, features: Uint16Array): Float64Array {
  const shares = sumColumns(weights, features);
  softmax(shares);
  return shares;
}

/** Topics with the prompts that they were learned from, and the topic that each was taken to be of. */
export interface FoundTopics extends TopicModel {
  readonly examples: { prompts: readonly Uint16Array[]; classes: Int32Array; sureness: number };
}

/**
 * Finds kinds of work among prompts: their features, weighted by rarity, in the space in which they differ most (latent
 * semantic indexing), fall into clusters; a softmax regression then tells the cluster of any prompt from its features.
 * Where `labels` says of prompts what they are (a number from 0), the labels stand in for clusters. Reproducible.
 */
export function findTopics(prompts: readonly Uint16Array[], labels: Int32Array | null = null): FoundTopics {
  const rows = prompts.map(evenVector);
  const classes = labels ?? clusters(rows);
  const sureness = labels === null ? surenessOfClusters : 1;
  return { ...fitTopics(rows, classes, countOf(classes), sureness), examples: { prompts, classes, sureness } };
}

/** Parts of the prompts that are left out in turn. */
const parts = 3;

/**
 * How much each prompt is of each topic, for learning from it. Of the prompts that the topics were themselves learned from
 * (the very same arrays) this is told by regressions that have not seen them: of those that it has seen a regression is
 * surer than it will be of new ones (cross-fitting: Chernozhukov et al. 2018, https://doi.org/10.1111/ectj.12097).
 */
export function sharesToLearnFrom(topics: TopicModel | FoundTopics, prompts: readonly Uint16Array[]): Float64Array[] {
  const heldOut = 'examples' in topics ? heldOutShares(topics.examples) : new Map<Uint16Array, Float64Array>();
  return prompts.map((prompt) => heldOut.get(prompt) ?? topicShares(topics, prompt));
}

function heldOutShares({ prompts, classes, sureness }: FoundTopics['examples']): Map<Uint16Array, Float64Array> {
  const shares = new Map<Uint16Array, Float64Array>();
  const rows = prompts.map(evenVector);
  const count = countOf(classes);
  const partOfRow = prompts.map((prompt) => partOf(prompt, parts));
  for (let part = 0; part < parts; part += 1) {
    const seen = [...rows.keys()].filter((row) => partOfRow[row] !== part);
    const topics = fitTopics(
      seen.map((row) => rows[row] as SparseVector),
      Int32Array.from(seen, (row) => classes[row] as number),
      count,
      sureness,
    );
    for (const [row, prompt] of prompts.entries()) {
      if (partOfRow[row] === part) shares.set(prompt, topicShares(topics, prompt));
    }
  }
  return shares;
}

const countOf = (classes: Int32Array): number => classes.reduce((most, label) => Math.max(most, label), 0) + 1;

function fitTopics(rows: readonly SparseVector[], classes: Int32Array, count: number, sureness: number): TopicModel {
  const weights = fitSoftmax(rows, classes, count, 'topics');
  const columns = Array.from({ length: count }, (_, topic) =>
    Float32Array.from({ length: sparseLength }, (__, place) => sureness * (weights[place * count + topic] as number)),
  );
  return { weights: quantise(columns) };
}

function clusters(rows: readonly SparseVector[]): Int32Array {
  const weighted = weighByRarity(rows);
  const space = findLatentSpace(weighted, latentDimensions, 'topics');
  const count = Math.max(1, Math.min(mostTopics, Math.floor(rows.length / promptsPerTopic)));
  return clusterOf(
    weighted.map((row) => project(row, space)),
    count,
    'topics',
  );
}

/** Rows in which a feature counts by the logarithm of its rarity, each of length 1. */
function weighByRarity(rows: readonly SparseVector[]): SparseVector[] {
  const having = new Float64Array(sparseLength);
  for (const { indices } of rows) for (const feature of indices) having[feature] = (having[feature] as number) + 1;
  return rows.map(({ indices }) => {
    const rarities = Float32Array.from(indices, (feature) => {
      return Math.log((rows.length + 1) / ((having[feature] as number) + 1)) + leastRarity;
    });
    const length = Math.hypot(...rarities);
    return { indices, values: rarities.map((rarity) => rarity / length) };
  });
}
