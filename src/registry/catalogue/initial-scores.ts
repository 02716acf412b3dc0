import type { ComplexityScores } from '../../contracts/index.ts';

export interface ScoreFacts {
  /** Null where unknown. */
  inputUsdPerMillionTokens: number | null;
  outputUsdPerMillionTokens: number | null;
  /** Billions of parameters, as open models carry them in their names; null where unknown. */
  parameterBillions: number | null;
  reasoning: boolean;
  deprecated: boolean;
}

const cheapestUsd = 0.05;
const dearestUsd = 30;
const unknownStrength = 0.35;
const reasoningBonus = 0.05;
const deprecatedMalus = 0.1;

/**
 * How strong a model probably is, in [0, 1], before anything was measured.
 *
 * The market's judgement is the best there is: the logarithm of the price, three parts input to one part output,
 * from 0.05 (0) to 30 (1) US dollars per million tokens. Where a model costs nothing or an unknown amount, the
 * logarithm of its size, from 1 (0) to 1000 (0.7) billion parameters; without that, 0.35, which is below the middle.
 */
export function capabilityStrength(facts: ScoreFacts): number {
  const strength = strengthByPrice(facts) ?? strengthBySize(facts.parameterBillions) ?? unknownStrength;
  return clip(strength + (facts.reasoning ? reasoningBonus : 0) - (facts.deprecated ? deprecatedMalus : 0), 0, 1);
}

function strengthByPrice({
  inputUsdPerMillionTokens: input,
  outputUsdPerMillionTokens: output,
}: ScoreFacts): number | null {
  if (input === null || output === null) return null;
  const blended = (3 * input + output) / 4;
  if (blended === 0) return null;
  return clip(Math.log(blended / cheapestUsd) / Math.log(dearestUsd / cheapestUsd), 0, 1);
}

function strengthBySize(parameterBillions: number | null): number | null {
  return parameterBillions === null ? null : clip(0.7 * (Math.log(parameterBillions) / Math.log(1000)), 0, 0.7);
}

/**
 * The scores of a model before anything was learned, in [0, 5], two decimals. A score stands for the probability
 * 0.5 + 0.098·score of a good answer. The harder the request, the more the strength of the model counts.
 */
export function initialScores(facts: ScoreFacts): ComplexityScores {
  const strength = capabilityStrength(facts);
  return {
    simple: toScore(4.2 + 0.6 * strength),
    medium: toScore(3.2 + 1.5 * strength),
    complex: toScore(2 + 2.9 * strength),
  };
}

/** `llama3.3:70b` → 70, `qwen3-30b-a3b` → 30, `mixtral-8x7b` → 56; null when the id has no size. */
export function parameterBillionsOf(modelId: string): number | null {
  const match = /(?:^|[-_:/.])(?:(\d{1,2})x)?(\d{1,4}(?:\.\d{1,2})?)b(?=$|[-_:/.])/i.exec(modelId);
  if (match === null) return null;
  const billions = Number(match[1] ?? 1) * Number(match[2]);
  return billions > 0 ? billions : null;
}

function toScore(value: number): number {
  return Math.round(clip(value, 0, 5) * 100) / 100;
}

function clip(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
