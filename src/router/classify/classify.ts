import type { Classification, Complexity, QueryType } from '../../contracts/query-class.ts';
import { extractFeatures, type FeatureName, featureNames, type Features } from './features.ts';
import type { Prompt } from './prompt.ts';

/** A linear model: for each class a bias and a weight for each feature that speaks for or against it. */
type LinearModel<Class extends string> = Readonly<
  Record<Class, { bias: number; weights: Partial<Record<FeatureName, number>> }>
>;

/** Set by hand as a prior; `multimedia` is decided by the input's kinds and not by words. */
const queryTypeModel: LinearModel<Exclude<QueryType, 'multimedia'>> = {
  simple: { bias: 1.2, weights: { recall: 1.2, length: -2, sentences: -1, history: -0.3 } },
  technical: {
    bias: -0.6,
    weights: { engineering: 4.2, code: 3, symbols: 2, digits: 0.8, tools: 1, reasoning: 1.6, length: 0.5 },
  },
  research: {
    bias: -0.9,
    weights: { scholarship: 4, breadth: 2.4, longWords: 1.2, length: 1.2, sentences: 0.8, reasoning: 0.5, code: -1.5 },
  },
};

const complexityModel: LinearModel<Complexity> = {
  simple: { bias: 1.6, weights: { recall: 1, length: -3, parts: -1.2, sentences: -1, code: -1, history: -0.4 } },
  medium: {
    bias: 0,
    weights: { length: 1, engineering: 1.6, scholarship: 1.2, reasoning: 0.8, code: 0.8, tools: 0.6, sentences: 0.4 },
  },
  complex: {
    bias: -1.8,
    weights: {
      length: 2.6,
      parts: 1.6,
      sentences: 1.2,
      reasoning: 2.8,
      breadth: 1.8,
      scholarship: 1,
      engineering: 1,
      symbols: 0.8,
      history: 0.6,
      longWords: 0.6,
    },
  },
};

/**
 * The class of a prompt, with the probability that the model gives to it. Pure.
 *
 * This is the seam for a learned classifier: prompt → features → class with confidence.
 */
export function classify(prompt: Prompt): Classification {
  return classifyFeatures(extractFeatures(prompt));
}

export function classifyFeatures(features: Features): Classification {
  const [complexity, complexityConfidence] = mostProbable(complexityModel, features);
  const [queryType, queryTypeConfidence] =
    features.images === 1 ? (['multimedia', 1] as const) : mostProbable(queryTypeModel, features);
  return {
    query_type: queryType,
    query_type_confidence: round(queryTypeConfidence),
    complexity,
    complexity_confidence: round(complexityConfidence),
  };
}

function mostProbable<Class extends string>(model: LinearModel<Class>, features: Features): readonly [Class, number] {
  const classes = Object.keys(model) as Class[];
  const logits = classes.map((name) => logit(model[name], features));
  const best = logits.reduce((top, value, index) => (value > (logits[top] ?? -Infinity) ? index : top), 0);
  const top = logits[best] ?? 0;
  const sum = logits.reduce((total, value) => total + Math.exp(value - top), 0);
  return [classes[best] as Class, 1 / sum];
}

function logit(
  { bias, weights }: { bias: number; weights: Partial<Record<FeatureName, number>> },
  features: Features,
): number {
  return featureNames.reduce((sum, name) => sum + (weights[name] ?? 0) * features[name], bias);
}

const round = (value: number): number => Math.round(value * 1000) / 1000;
