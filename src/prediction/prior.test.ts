import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { complexities, type Complexity } from '../contracts/query-class.ts';
import { hashFeatures } from '../router/classify/hash-features.ts';
import { promptFromText } from '../router/classify/prompt.ts';
import { sparseLength } from '../statistics/sparse.ts';
import { decodePredictor, encodePredictor } from './encode.ts';
import { DamagedPredictor } from './packed.ts';
import { predict } from './predictor.ts';
import { decodePrior, effectsOf, encodePrior, predictorFromPrior, shippedPrior } from './prior.ts';
import { anyOtherModel, successShifts } from './shifts.ts';

const bytes = readFileSync(shippedPrior);
const prior = decodePrior(bytes);
const featuresOf = (text: string): Uint16Array => hashFeatures(promptFromText(text));

/** Success rates as the catalogue gives them to the strongest and the weakest models. */
const strong = { name: 'strong', successRate: { simple: 0.97, medium: 0.96, complex: 0.98 } };
const weak = { name: 'weak', successRate: { simple: 0.91, medium: 0.82, complex: 0.7 } };
const predictor = predictorFromPrior(prior, [strong, weak]);

const capital = 'What is the capital of France?';
const proof = 'Let $G$ be a group of order $p^2$, where $p$ is prime. Prove that $G$ is abelian.';

/** By how much the prompt speaks for the strong model. */
function forStrong(text: string, complexity: Complexity): number {
  const shifts = successShifts(predictor, featuresOf(text), complexity);
  return (shifts.get('strong') ?? NaN) - (shifts.get('weak') ?? NaN);
}

describe('the prior that comes with the product', () => {
  it('is small, and knows the features that prompts have now', () => {
    expect(bytes.length).toBeLessThan(600_000);
    // With other features than it was trained on, the two are alike.
    expect(effectsOf(prior, featuresOf(capital)).ease).toBeGreaterThan(0);
    expect(effectsOf(prior, featuresOf(proof)).ease).toBeLessThan(-0.15);
  });

  it('has finite effects within their range', () => {
    for (const effects of [prior.topicEffects, prior.centres]) {
      for (const ease of effects.ease) expect(Math.abs(ease)).toBeLessThan(1);
      for (const separation of effects.separation) expect(Math.abs(separation)).toBeLessThan(2);
    }
    expect(prior.topicEffects.ease).toHaveLength(prior.topics.weights.columns);
    expect(prior.centres.ease).toHaveLength(complexities.length);
    expect(prior.featureEffects.values).toHaveLength(2 * sparseLength);
  });

  it('comes back from bytes as it was, and is refused when a single bit is another', () => {
    expect(encodePrior(prior).equals(bytes)).toBe(true);
    for (const place of [0, 31, 32, 1000, bytes.length - 1]) {
      const damaged = Buffer.from(bytes);
      damaged.writeUInt8(damaged.readUInt8(place) ^ 1, place);
      expect(() => decodePrior(damaged)).toThrow(DamagedPredictor);
    }
    expect(() => decodePrior(encodePredictor(predictor))).toThrow(DamagedPredictor);
  });
});

describe('predictorFromPrior', () => {
  it('speaks more for the strong model on a hard prompt than on an easy one', () => {
    for (const complexity of complexities) {
      expect(forStrong(proof, complexity)).toBeGreaterThan(forStrong(capital, complexity) + 0.03);
    }
  });

  it('moves no expectation far', () => {
    for (const text of [capital, proof, '', 'hi', 'Summarise this mail.', 'x'.repeat(5000)]) {
      for (const shift of successShifts(predictor, featuresOf(text), 'medium').values()) {
        expect(Math.abs(shift)).toBeLessThan(0.3);
      }
    }
  });

  it('knows any other model as one of middle strength, with and without models', () => {
    expect(predictor.predictor.models).toEqual([anyOtherModel, 'strong', 'weak']);
    const [any = NaN, best = NaN, worst = NaN] = predict(predictor.predictor, featuresOf(capital)).means;
    expect(any).toBeLessThan(best);
    expect(any).toBeGreaterThan(worst);
    const alone = successShifts(predictorFromPrior(prior, []), featuresOf(proof), 'complex');
    expect([...alone.keys()]).toEqual([anyOtherModel]);
    expect(alone.get(anyOtherModel)).toBeLessThan(0);
  });

  it('is a predictor of version 0 like any other, the same each time', () => {
    expect(predictor.version).toBe(0);
    const encoded = encodePredictor(predictor);
    expect(encodePredictor(predictorFromPrior(prior, [strong, weak])).equals(encoded)).toBe(true);
    expect(encodePredictor(decodePredictor(encoded)).equals(encoded)).toBe(true);
    expect(Math.min(...predictor.predictor.topicMeans)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...predictor.predictor.topicMeans)).toBeLessThanOrEqual(1);
  });

  it('leaves models alone of which it is sure that they always or never answer well', () => {
    const always = { simple: 1, medium: 1, complex: 1 };
    const sure = predictorFromPrior(prior, [{ name: 'always', successRate: always }]);
    for (const text of [capital, proof]) {
      expect(successShifts(sure, featuresOf(text), 'medium').get('always')).toBeCloseTo(0, 6);
    }
  });
});
