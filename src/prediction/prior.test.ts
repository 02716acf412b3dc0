import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { complexities, type Complexity } from '../contracts/query-class.ts';
import { hashFeatures } from '../router/classify/hash-features.ts';
import { promptFromText } from '../router/classify/prompt.ts';
import { DamagedPredictor, pack } from './packed.ts';
import { decodePrior, effectsOf, encodePrior, shiftsFromPrior, shippedPrior } from './prior.ts';
import { anyOtherModel } from './shifts.ts';

const bytes = readFileSync(shippedPrior);
const prior = decodePrior(bytes);
const featuresOf = (text: string): Uint16Array => hashFeatures(promptFromText(text));

/** As able as the catalogue takes the strongest and the weakest models to be. */
const strong = { name: 'strong', ability: 0.97 };
const weak = { name: 'weak', ability: 0.8 };
const predictor = shiftsFromPrior(prior, [strong, weak]);

const capital = 'What is the capital of France?';
const proof = 'Let $G$ be a group of order $p^2$, where $p$ is prime. Prove that $G$ is abelian.';

/** By how much the prompt speaks for the strong model. */
function forStrong(text: string, complexity: Complexity): number {
  const shifts = predictor.shifts(featuresOf(text), complexity);
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
    expect(prior.featureEffects).toMatchObject({ columns: 2 });
  });

  it('comes back from bytes as it was, and is refused when a single bit is another', () => {
    expect(encodePrior(prior).equals(bytes)).toBe(true);
    for (const place of [0, 31, 32, 1000, bytes.length - 1]) {
      const damaged = Buffer.from(bytes);
      damaged.writeUInt8(damaged.readUInt8(place) ^ 1, place);
      expect(() => decodePrior(damaged)).toThrow(DamagedPredictor);
    }
    expect(() => decodePrior(pack({ format: 'of another time' }, []))).toThrow(DamagedPredictor);
  });
});

describe('shiftsFromPrior', () => {
  it('speaks more for the strong model on a hard prompt than on an easy one', () => {
    for (const complexity of complexities) {
      expect(forStrong(proof, complexity)).toBeGreaterThan(forStrong(capital, complexity) + 0.03);
    }
  });

  it('moves no expectation far', () => {
    for (const text of [capital, proof, '', 'hi', 'Summarise this mail.', 'x'.repeat(5000)]) {
      for (const shift of predictor.shifts(featuresOf(text), 'medium').values()) {
        expect(Math.abs(shift)).toBeLessThan(0.3);
      }
    }
  });

  it('knows any other model as one of middle strength, with and without models', () => {
    const shifts = predictor.shifts(featuresOf(proof), 'complex');
    expect([...shifts.keys()]).toEqual([anyOtherModel, 'strong', 'weak']);
    expect(shifts.get(anyOtherModel)).toBeLessThan(shifts.get('strong') ?? NaN);
    expect(shifts.get(anyOtherModel)).toBeGreaterThan(shifts.get('weak') ?? NaN);
    const alone = shiftsFromPrior(prior, []).shifts(featuresOf(proof), 'complex');
    expect([...alone.keys()]).toEqual([anyOtherModel]);
    expect(alone.get(anyOtherModel)).toBeLessThan(0);
  });

  it('is of version 0, and says the same of the same prompt', () => {
    expect(predictor.version).toBe(0);
    const again = shiftsFromPrior(decodePrior(bytes), [strong, weak]);
    expect(again.shifts(featuresOf(proof), 'simple')).toEqual(predictor.shifts(featuresOf(proof), 'simple'));
  });

  it('leaves a model alone of which it is sure that it always answers well', () => {
    const sure = shiftsFromPrior(prior, [{ name: 'always', ability: 1 }]);
    for (const text of [capital, proof])
      expect(sure.shifts(featuresOf(text), 'medium').get('always')).toBeCloseTo(0, 12);
  });
});
