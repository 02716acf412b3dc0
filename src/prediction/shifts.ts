import { type Complexity, complexities } from '../contracts/query-class.ts';
import { type Predictor, predict } from './predictor.ts';

/** Stands for all models that the predictor does not know: what is hard for the others is taken to be hard for them. */
export const anyOtherModel = '*';

/** Tells by how much each model's chance to answer a prompt well differs from its mean at the complexity. */
export interface ShiftPredictor {
  /** 0 for what comes with the product. */
  readonly version: number;
  /** By model name; unknown models have the shift of `anyOtherModel`. Pure. */
  shifts(features: Uint16Array, complexity: Complexity): ReadonlyMap<string, number>;
}

/** A predictor, and what it says on average of the requests of each complexity that it learned from. */
export interface CentredPredictor {
  readonly version: number;
  readonly predictor: Predictor;
  /** `model · 3 + complexity`, in the order of `complexities`. */
  readonly centres: Float32Array;
}

/**
 * By how much each model's expected outcome for a prompt differs from its average at the complexity, by model name; unknown
 * models have the shift of `anyOtherModel`. What is known of model and complexity is learned elsewhere and faster, so that
 * only the difference is taken from here. Pure.
 */
export function successShifts(
  { predictor, centres }: CentredPredictor,
  features: Uint16Array,
  complexity: Complexity,
): Map<string, number> {
  const { means } = predict(predictor, features);
  const place = complexities.indexOf(complexity);
  return new Map(
    predictor.models.map((name, model) => [
      name,
      (means[model] as number) - (centres[model * complexities.length + place] as number),
    ]),
  );
}
