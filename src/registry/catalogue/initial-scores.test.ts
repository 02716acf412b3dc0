import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { complexities } from '../../contracts/index.ts';
import { capabilityStrength, initialScores, parameterBillionsOf, type ScoreFacts } from './initial-scores.ts';

const nothing: ScoreFacts = {
  inputUsdPerMillionTokens: null,
  outputUsdPerMillionTokens: null,
  parameterBillions: null,
  reasoning: false,
  deprecated: false,
};
const priced = (input: number, output: number): ScoreFacts => ({
  ...nothing,
  inputUsdPerMillionTokens: input,
  outputUsdPerMillionTokens: output,
});

const price = fc.double({ min: 0.0001, max: 500, noNaN: true });
const factsArbitrary = fc.record({
  inputUsdPerMillionTokens: fc.option(fc.double({ min: 0, max: 1e6, noNaN: true })),
  outputUsdPerMillionTokens: fc.option(fc.double({ min: 0, max: 1e6, noNaN: true })),
  parameterBillions: fc.option(fc.double({ min: 0.01, max: 10_000, noNaN: true })),
  reasoning: fc.boolean(),
  deprecated: fc.boolean(),
});

describe('initialScores', () => {
  it('spans the documented range', () => {
    expect(initialScores(priced(0.05, 0.05))).toEqual({ simple: 4.2, medium: 3.2, complex: 2 });
    expect(initialScores(priced(30, 30))).toEqual({ simple: 4.8, medium: 4.7, complex: 4.9 });
    expect(initialScores(priced(0.0001, 0))).toEqual(initialScores(priced(0.05, 0.05)));
    expect(initialScores(priced(150, 600))).toEqual(initialScores(priced(30, 30)));
  });

  it('weighs three parts input to one part output', () => {
    expect(initialScores(priced(2, 10))).toEqual(initialScores(priced(4, 4)));
  });

  it('puts an unknown price below the middle, and takes the size where there is one', () => {
    expect(capabilityStrength(nothing)).toBe(0.35);
    expect(capabilityStrength(priced(0, 0))).toBe(0.35);
    expect(capabilityStrength({ ...priced(0, 0), parameterBillions: 3 })).toBeCloseTo(0.111, 3);
    expect(capabilityStrength({ ...nothing, parameterBillions: 70 })).toBeCloseTo(0.4305, 4);
    expect(capabilityStrength({ ...nothing, parameterBillions: 5000 })).toBe(0.7);
    expect(capabilityStrength({ ...priced(4, 4), parameterBillions: 3 })).toBe(capabilityStrength(priced(4, 4)));
  });

  it('stays in [0, 5] with two decimals, and harder requests score lower for all but the strongest', () => {
    fc.assert(
      fc.property(factsArbitrary, (facts) => {
        const scores = initialScores(facts);
        for (const complexity of complexities) {
          expect(scores[complexity]).toBeGreaterThanOrEqual(0);
          expect(scores[complexity]).toBeLessThanOrEqual(5);
          expect(scores[complexity]).toBe(Number(scores[complexity].toFixed(2)));
        }
        expect(scores.simple).toBeGreaterThanOrEqual(scores.medium);
      }),
    );
  });

  it('never falls with the price, nor by reasoning, and never rises by deprecation', () => {
    fc.assert(
      fc.property(price, price, price, price, fc.boolean(), (input, output, moreInput, moreOutput, reasoning) => {
        const cheap = { ...priced(input, output), reasoning };
        const dear = { ...priced(input + moreInput, output + moreOutput), reasoning };
        for (const complexity of complexities) {
          const score = initialScores(cheap)[complexity];
          expect(initialScores(dear)[complexity]).toBeGreaterThanOrEqual(score);
          expect(initialScores({ ...cheap, reasoning: true })[complexity]).toBeGreaterThanOrEqual(score);
          expect(initialScores({ ...cheap, deprecated: true })[complexity]).toBeLessThanOrEqual(score);
        }
      }),
    );
  });
});

it.each([
  ['llama3.3:70b', 70],
  ['meta-llama/Llama-3.1-8B-Instruct', 8],
  ['qwen3-30b-a3b', 30],
  ['mixtral-8x7b-32768', 56],
  ['qwen2.5:0.5b', 0.5],
  ['gpt-oss-120b', 120],
  ['gpt-6-sol', null],
  ['bge-m3', null],
])('reads the size of %s as %s', (id, billions) => {
  expect(parameterBillionsOf(id)).toBe(billions);
});
