import type { Classification, Complexity, QueryType } from '../../contracts/query-class.ts';
import { extractFeatures, type FeatureName, featureNames, type Features } from './features.ts';
import type { Prompt } from './prompt.ts';
import { tokenise, type Tokens } from './tokens.ts';

/** A linear model: for each class a bias and a weight for each feature that speaks for or against it. */
type LinearModel<Class extends string> = readonly [LinearClass<Class>, ...LinearClass<Class>[]];
interface LinearClass<Class extends string> {
  name: Class;
  bias: number;
  /** In the order of `featureNames`. */
  weights: Float64Array;
}

function linearClass<Class extends string>(
  name: Class,
  bias: number,
  weights: Partial<Record<FeatureName, number>>,
): LinearClass<Class> {
  return { name, bias, weights: Float64Array.from(featureNames, (feature) => weights[feature] ?? 0) };
}

/** Set by hand as a prior; `multimedia` is decided by the input's kinds and not by words. */
const queryTypeModel: LinearModel<Exclude<QueryType, 'multimedia'>> = [
  linearClass('simple', 1.2, { recall: 1.2, length: -2, sentences: -1, history: -0.3 }),
  linearClass('technical', -0.6, {
    engineering: 4.2,
    code: 3,
    symbols: 2,
    digits: 0.8,
    tools: 1,
    reasoning: 1.6,
    length: 0.5,
  }),
  linearClass('research', -0.9, {
    scholarship: 4,
    breadth: 2.4,
    longWords: 1.2,
    length: 1.2,
    sentences: 0.8,
    reasoning: 0.5,
    code: -1.5,
  }),
];

const complexityModel: LinearModel<Complexity> = [
  linearClass('simple', 1.6, { recall: 1, length: -3, parts: -1.2, sentences: -1, code: -1, history: -0.4 }),
  linearClass('medium', 0, {
    length: 1,
    engineering: 1.6,
    scholarship: 1.2,
    reasoning: 0.8,
    code: 0.8,
    tools: 0.6,
    sentences: 0.4,
  }),
  linearClass('complex', -1.8, {
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
  }),
];

/**
 * The class of a prompt, with the probability that the model gives to it. Pure.
 *
 * This is the seam for a learned classifier: prompt → features → class with confidence.
 */
export function classify(prompt: Prompt, tokens: Tokens = tokenise(prompt.question)): Classification {
  return classifyFeatures(extractFeatures(prompt, tokens));
}

export function classifyFeatures(features: Features): Classification {
  const values = featureNames.map((name) => features[name]);
  const [complexity, complexityConfidence] = mostProbable(complexityModel, values);
  const [queryType, queryTypeConfidence] =
    features.images === 1 ? (['multimedia', 1] as const) : mostProbable(queryTypeModel, values);
  return {
    query_type: queryType,
    query_type_confidence: round(queryTypeConfidence),
    complexity,
    complexity_confidence: round(complexityConfidence),
  };
}

function mostProbable<Class extends string>(
  classes: LinearModel<Class>,
  values: readonly number[],
): readonly [Class, number] {
  const logits = classes.map(({ bias, weights }) => {
    let logit = bias;
    for (let at = 0; at < weights.length; at += 1) logit += (weights[at] as number) * (values[at] as number);
    return logit;
  });
  const top = Math.max(...logits);
  const best = classes[logits.indexOf(top)] ?? classes[0];
  return [best.name, 1 / logits.reduce((sum, logit) => sum + Math.exp(logit - top), 0)];
}

const round = (value: number): number => Math.round(value * 1000) / 1000;
