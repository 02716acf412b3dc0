import type { QuantisedMatrix } from './quantised-matrix.ts';
import { sumColumns } from './quantised-matrix.ts';
import { type TopicModel, topicShares } from './topics.ts';

/** What is known of how well some models answer what. */
export interface Predictor {
  readonly topics: TopicModel;
  /** Names of the models, in the order of all that follows. */
  readonly models: readonly string[];
  /** Expected outcome of each model on the whole, in [0, 1]. */
  readonly modelMeans: Float32Array;
  /** Expected outcome, in [0, 1], of each model on each topic: `model · topics + topic`. */
  readonly topicMeans: Float32Array;
  /** Outcomes on which each of them rests, those that the prior counts for included; above 0. */
  readonly topicEvidence: Float32Array;
  /** What single features add to the expected outcome of each model. */
  readonly residuals: QuantisedMatrix;
}

export interface Prediction {
  /** Expected outcome of each model, in [0, 1]. */
  means: Float64Array;
  /** Standard deviation of each mean, by how much was seen of such prompts. */
  deviations: Float64Array;
  /** How much the prompt is of each topic. */
  shares: Float64Array;
}

/** Variance of an outcome of which nothing is known but that it lies between 0 and 1, as a coin has it. */
export const outcomeVariance = 0.25;

/** A prompt that is of its first topic by less than this is of a kind that was hardly seen. */
const familiarShare = 0.5;

/**
 * What each model's answer to a prompt is expected to be worth: the mean of the topics that the prompt is like, in
 * proportion, and what its features add. Of a kind of prompts that was hardly seen it is believed how hard they are, and less
 * which of the models does better there than usual: of such the choice goes by what the models do on the whole. Pure; a few microseconds for a prompt of some hundred features.
 */
export function predict(predictor: Predictor, features: Uint16Array): Prediction {
  const { topics, models, modelMeans, topicMeans, topicEvidence, residuals } = predictor;
  const shares = topicShares(topics, features);
  const means = sumColumns(residuals, features);
  const deviations = new Float64Array(models.length);
  for (let model = 0; model < models.length; model += 1) {
    const offset = model * shares.length;
    let mean = means[model] as number;
    let variance = 0;
    for (let topic = 0; topic < shares.length; topic += 1) {
      const share = shares[topic] as number;
      mean += share * (topicMeans[offset + topic] as number);
      variance += (share * share * outcomeVariance) / (topicEvidence[offset + topic] as number);
    }
    means[model] = mean;
    deviations[model] = Math.sqrt(variance);
  }
  const familiarity = Math.min(1, shares.reduce((most, share) => Math.max(most, share), 0) / familiarShare) ** 2;
  const ease = means.reduce((sum, mean, model) => sum + mean - (modelMeans[model] as number), 0) / models.length;
  for (let model = 0; model < models.length; model += 1) {
    const usual = (modelMeans[model] as number) + ease;
    means[model] = Math.min(1, Math.max(0, usual + familiarity * ((means[model] as number) - usual)));
  }
  return { means, deviations, shares };
}
