import { softmax } from '../statistics/softmax-regression.ts';
import { familiarityOf, type TopicContrasts } from './familiarity.ts';
import { type QuantisedMatrix, sumColumns } from './quantised-matrix.ts';

/** What is known of how well some models answer what. */
export interface Predictor {
  readonly topics: number;
  /**
   * What single features say: in the first columns of which topic the prompt is, as a topic model has it; in those
   * after it what they add to the expected outcome of each model.
   */
  readonly weights: QuantisedMatrix;
  /** Names of the models, in the order of all that follows. */
  readonly models: readonly string[];
  /** Expected outcome of each model on the whole, in [0, 1]. */
  readonly modelMeans: Float32Array;
  /** Expected outcome, in [0, 1], of each model on each topic: `model · topics + topic`. */
  readonly topicMeans: Float32Array;
  /** Outcomes on which each of them rests, those that the prior counts for included; above 0. */
  readonly topicEvidence: Float32Array;
  /** They follow from the means. */
  readonly contrasts: TopicContrasts;
}

export interface Prediction {
  /** Expected outcome of each model, in [0, 1]. */
  means: Float64Array;
  /** How much the prompt is of each topic. */
  shares: Float64Array;
}

/** Variance of an outcome of which nothing is known but that it lies between 0 and 1, as a coin has it. */
export const outcomeVariance = 0.25;

/**
 * What each model's answer to a prompt is expected to be worth: the mean of the topics that the prompt is like, in
 * proportion, and what its features add. Of a kind of prompts that was hardly seen it is believed how hard they are, and less
 * which of the models does better there than usual: of such the choice goes by what the models do on the whole. Pure; a
 * few microseconds for a prompt of some hundred features.
 */
export function predict(
  { topics, weights, models, modelMeans, topicMeans, contrasts }: Predictor,
  features: Uint16Array,
): Prediction {
  const sums = sumColumns(weights, features);
  const shares = sums.subarray(0, topics);
  softmax(shares);
  const means = sums.subarray(topics);
  let ease = 0;
  for (let model = 0; model < models.length; model += 1) {
    let mean = means[model] as number;
    for (let topic = 0; topic < topics; topic += 1) {
      mean += (shares[topic] as number) * (topicMeans[model * topics + topic] as number);
    }
    means[model] = mean;
    ease += (mean - (modelMeans[model] as number)) / models.length;
  }
  const familiarity = familiarityOf(shares, contrasts);
  for (let model = 0; model < models.length; model += 1) {
    const usual = (modelMeans[model] as number) + ease;
    means[model] = Math.min(1, Math.max(0, usual + familiarity * ((means[model] as number) - usual)));
  }
  return { means, shares };
}

/** Standard deviation of what is expected of each model for a prompt, by how much was seen of such prompts. Pure. */
export function deviationsOf({ topics, models, topicEvidence }: Predictor, shares: Float64Array): Float64Array {
  return Float64Array.from(models, (_, model) => {
    const evidence = topicEvidence.subarray(model * topics, (model + 1) * topics);
    return Math.sqrt(
      shares.reduce((sum, share, topic) => sum + (share * share * outcomeVariance) / (evidence[topic] as number), 0),
    );
  });
}
