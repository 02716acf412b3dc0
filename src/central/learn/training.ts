import { complexities, type Complexity } from '../../contracts/query-class.ts';
import { predict } from '../../prediction/predictor.ts';
import { anyOtherModel, type CentredPredictor } from '../../prediction/shifts.ts';
import { findTopics } from '../../prediction/topics.ts';
import { trainPredictor, type TrainingRow } from '../../prediction/train.ts';

/** A prompt that one model answered, and how good the outcome was, in [0, 1]. */
export interface Example {
  features: Uint16Array;
  model: string;
  complexity: Complexity;
  worth: number;
}

/** Models with fewer examples are judged by what holds for all. */
const leastExamples = 20;
/** Observations that the mean of all models counts for, in what is believed of one. */
const meanStrength = 10;

/**
 * What examples, each of one model, tell of prompts and models. Beside the models that were seen often enough there is
 * `anyOtherModel`: it has learned from all of them, each outcome less what its model's mean is above that of all. Pure and
 * deterministic; `examples` must not be empty.
 */
export function trainOn(examples: readonly Example[], version: number): CentredPredictor {
  const byModel = new Map<string, Example[]>();
  for (const example of examples) {
    const own = byModel.get(example.model);
    if (own === undefined) byModel.set(example.model, [example]);
    else own.push(example);
  }
  const names = [...byModel].filter(([, own]) => own.length >= leastExamples).map(([name]) => name);
  const models = [anyOtherModel, ...names.sort()];
  const places = new Map(models.map((name, place) => [name, place]));
  const all = meanWorth(examples);
  const above = new Map([...byModel].map(([name, own]) => [name, meanWorth(own) - all]));

  const rows = examples.map(({ features, model, worth }): TrainingRow => {
    const own = places.get(model);
    const general = { model: 0, outcome: worth - (above.get(model) ?? 0) };
    return { features, weight: 1, observed: own === undefined ? [general] : [general, { model: own, outcome: worth }] };
  });
  const predictor = trainPredictor(
    rows,
    models.map((name) => ({ name, prior: { outcome: all, strength: meanStrength } })),
    findTopics(examples.map(({ features }) => features)),
  );

  const sums = new Float64Array(models.length * complexities.length);
  const counts = new Float64Array(complexities.length);
  for (const { features, complexity } of examples) {
    const place = complexities.indexOf(complexity);
    counts[place] = (counts[place] as number) + 1;
    for (const [model, mean] of predict(predictor, features).means.entries()) {
      const at = model * complexities.length + place;
      sums[at] = (sums[at] as number) + mean;
    }
  }
  const centres = Float32Array.from(sums, (sum, at) => {
    const count = counts[at % complexities.length] as number;
    if (count > 0) return sum / count;
    // A complexity that was never seen: as of all.
    const first = at - (at % complexities.length);
    const total = sums.subarray(first, first + complexities.length).reduce((whole, part) => whole + part, 0);
    return total / examples.length;
  });
  return { version, predictor, centres };
}

function meanWorth(examples: readonly Example[]): number {
  return examples.reduce((sum, { worth }) => sum + worth, 0) / examples.length;
}
