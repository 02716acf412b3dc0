import { z } from 'zod';
import { complexities } from '../contracts/query-class.ts';
import { middleScore, successRateOf } from '../statistics/score-scale.ts';
import { pack, unpack } from './packed.ts';
import { arraysOf, type QuantisedMatrix, readMatrix, sumColumns } from './quantised-matrix.ts';
import { anyOtherModel, type ShiftPredictor } from './shifts.ts';
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
}

/** Where the prior lies that comes with the product, as seen from `src/` and from `dist/`. */
export const shippedPrior = new URL('../../src/prediction/prior/prior.bin', import.meta.url);

const format = 'signalbox prior 2';
const headerSchema = z.object({
  format: z.literal(format),
  topics: z.int().min(1).max(1000),
});

/** A prior as bytes, with a checksum. */
export function encodePrior({ topics, topicEffects, featureEffects, centres }: Prior): Buffer {
  const header: z.infer<typeof headerSchema> = { format, topics: topics.weights.columns };
  return pack(header, [
    centres.ease,
    centres.separation,
    topicEffects.ease,
    topicEffects.separation,
    ...arraysOf(topics.weights),
    ...arraysOf(featureEffects),
  ]);
}

/** The inverse of `encodePrior`. @throws DamagedPredictor */
export function decodePrior(bytes: Uint8Array): Prior {
  const { header, arrays } = unpack(bytes, headerSchema);
  const { topics } = header;
  const effects = (count: number): Effects<Float32Array> => ({
    ease: arrays.floats(count),
    separation: arrays.floats(count),
  });
  return {
    centres: effects(complexities.length),
    topicEffects: effects(topics),
    topics: { weights: readMatrix(arrays, topics) },
    featureEffects: readMatrix(arrays, 2),
  };
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

/**
 * By how much ease moves the expected outcome of a model: by all of it where the model succeeds every other time, and by as
 * much less elsewhere as a logistic curve rises less there.
 */
function easeFactor(ability: number): number {
  return 4 * ability * (1 - ability);
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
