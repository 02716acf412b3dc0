import { z } from 'zod';
import { complexities, type PerComplexity } from '../contracts/query-class.ts';
import { middleScore, successRateOf } from '../statistics/score-scale.ts';
import { sparseLength } from '../statistics/sparse.ts';
import { pack, unpack } from './packed.ts';
import { mixColumns, type QuantisedMatrix, sumColumns } from './quantised-matrix.ts';
import { anyOtherModel, type CentredPredictor, type ShiftPredictor } from './shifts.ts';
import { type TopicModel, topicShares } from './topics.ts';

/**
 * Two things that a prompt, or a kind of prompts, does to expected outcomes. Ease: by how much any model does better there
 * than it does on average, in [-1, 1], below 0 where it is hard. Separation: by how much more than on average strong models
 * do better than weak ones, in proportion: 0.5 for half as much again.
 */
export interface Effects<Numbers> {
  readonly ease: Numbers;
  readonly separation: Numbers;
}

/** What is known of prompts whatever the model, learned from what other models did with public prompts. */
export interface Prior {
  readonly topics: TopicModel;
  /** Of each topic. */
  readonly topicEffects: Effects<Float32Array>;
  /** What single features add to ease (column 0) and separation (column 1). */
  readonly featureEffects: QuantisedMatrix;
  /** Means over the public prompts of each complexity, in the order of `complexities`. */
  readonly centres: Effects<Float32Array>;
  /** Observations of a model on a topic that say as much of it as this prior does; above 0. */
  readonly strength: number;
}

/** Where the prior lies that comes with the product, as seen from `src/` and from `dist/`. */
export const shippedPrior = new URL('../../src/prediction/prior/prior.bin', import.meta.url);

const format = 'signalbox prior 1';
const headerSchema = z.object({
  format: z.literal(format),
  topics: z.int().min(1).max(1000),
  strength: z.number().positive(),
});

/** A prior as bytes, with a checksum. */
export function encodePrior({ topics, topicEffects, featureEffects, centres, strength }: Prior): Buffer {
  const header: z.infer<typeof headerSchema> = { format, topics: topics.weights.columns, strength };
  return pack(header, [
    centres.ease,
    centres.separation,
    topicEffects.ease,
    topicEffects.separation,
    topics.weights.scales,
    featureEffects.scales,
    topics.weights.values,
    featureEffects.values,
  ]);
}

/** The inverse of `encodePrior`. @throws DamagedPredictor */
export function decodePrior(bytes: Uint8Array): Prior {
  const { header, arrays } = unpack(bytes, headerSchema);
  const { topics, strength } = header;
  const effects = (count: number): Effects<Float32Array> => ({
    ease: arrays.floats(count),
    separation: arrays.floats(count),
  });
  const centres = effects(complexities.length);
  const topicEffects = effects(topics);
  const topicScales = arrays.floats(topics);
  const featureScales = arrays.floats(2);
  const weights = { columns: topics, scales: topicScales, values: arrays.integers(topics * sparseLength) };
  const featureEffects = { columns: 2, scales: featureScales, values: arrays.integers(2 * sparseLength) };
  return { topics: { weights }, topicEffects, featureEffects, centres, strength };
}

/** Ease and separation of a prompt. */
export function effectsOf({ topics, topicEffects, featureEffects }: Prior, features: Uint16Array): Effects<number> {
  const shares = topicShares(topics, features);
  const sums = sumColumns(featureEffects, features);
  const effect = (ofTopics: Float32Array, ofFeatures: number | undefined): number =>
    shares.reduce((sum, share, topic) => sum + share * (ofTopics[topic] as number), ofFeatures ?? 0);
  return { ease: effect(topicEffects.ease, sums[0]), separation: effect(topicEffects.separation, sums[1]) };
}

/**
 * What the prior tells of models of which nothing is known but how able they are thought to be, in [0, 1]: each does better on
 * easy prompts and worse on hard ones, the less so the closer it is to always or never succeeding; and where strong models are
 * better than weak ones by more than usual, its distance from the mean of all counts for more. Shifts average to 0 over the
 * public prompts of each complexity.
 */
export function shiftsFromPrior(prior: Prior, models: readonly { name: string; ability: number }[]): ShiftPredictor {
  const meanAbility = models.length === 0 ? successRateOf(middleScore) : mean(models.map(({ ability }) => ability));
  const all = [{ name: anyOtherModel, ability: meanAbility }, ...models];
  return {
    version: 0,
    shifts(features, complexity) {
      const place = complexities.indexOf(complexity);
      const effects = effectsOf(prior, features);
      const ease = effects.ease - (prior.centres.ease[place] as number);
      const separation = effects.separation - (prior.centres.separation[place] as number);
      return new Map(
        all.map(({ name, ability }) => [name, easeFactor(ability) * ease + (ability - meanAbility) * separation]),
      );
    },
  };
}

/** A model of which nothing is known but how often it is thought to answer well, in [0, 1]. */
export interface PriorModel {
  name: string;
  successRate: PerComplexity<number>;
}

/**
 * What the prior expects of models: each does as well as its success rates say on average, better on easy prompts and worse
 * on hard ones, the less so the closer it is to always or never succeeding; and where strong models are better than weak
 * ones by more than usual, its distance from the mean of all grows with it. The shifts average to 0 over the public prompts
 * of each complexity, but for the few where an expectation must be held between 0 and 1. Version 0. Pure; takes 65,536 bytes
 * for each model.
 */
export function predictorFromPrior(prior: Prior, models: readonly PriorModel[]): CentredPredictor {
  const own = models.map(({ successRate }) => mean(complexities.map((complexity) => successRate[complexity])));
  const meanAbility = own.length === 0 ? successRateOf(middleScore) : mean(own);
  const abilities = [meanAbility, ...own];
  const factors = abilities.map((ability): [ease: number, separation: number] => [
    easeFactor(ability),
    ability - meanAbility,
  ]);
  /** `model · n + i` for n effects. */
  const expected = ({ ease, separation }: Effects<Float32Array>): Float32Array =>
    Float32Array.from(
      factors.flatMap(([byEase, bySeparation], model) =>
        Array.from(ease, (value, at) => {
          return (abilities[model] as number) + byEase * value + bySeparation * (separation[at] as number);
        }),
      ),
    );
  const topicMeans = expected(prior.topicEffects).map((value) => Math.min(1, Math.max(0, value)));
  return {
    version: 0,
    predictor: {
      topics: prior.topics,
      models: [anyOtherModel, ...models.map(({ name }) => name)],
      topicMeans,
      topicEvidence: topicMeans.map(() => prior.strength),
      residuals: mixColumns(prior.featureEffects, factors),
    },
    centres: expected(prior.centres),
  };
}

/**
 * By how much ease moves the expected outcome of a model: by all of it where the model succeeds every other time, and by as
 * much less elsewhere as a logistic curve rises less there.
 */
function easeFactor(ability: number): number {
  return 4 * ability * (1 - ability);
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
