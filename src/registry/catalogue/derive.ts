import type { CatalogueModel } from '../../platform/store/model-row.ts';
import { initialScores, parameterBillionsOf } from './initial-scores.ts';

/** From here on a context window is long, in tokens. */
const longContextTokens = 128_000;
/** The most that a model may cost to count as small, US dollars per 1,000 output tokens. */
const fastOutputUsdPer1k = 0.005;
/** The most that a refiner may cost, US dollars per 1,000 tokens. */
const refinerInputUsdPer1k = 0.001;
const refinerOutputUsdPer1k = 0.005;
/** A measured mean time to the first token below this is fast, once there are so many measurements. */
const fastTimeToFirstTokenMs = 500;
const measurementsToTrust = 20;

/** Models that think before every answer, however cheap they are. */
const alwaysReasons = /(^|[-/:])(o\d|r1|qwq|qvq)([-/:]|$)|reasoner|reasoning|thinking/i;

export interface Measured {
  timeToFirstTokenMs: number | null;
  count: number;
}

export const unmeasured: Measured = { timeToFirstTokenMs: null, count: 0 };

/**
 * Fills in what follows from the facts of a model: `long_context`, `fast_inference`, the complexity scores and
 * `refiner`. What an operator has pinned stays; `pinned` holds paths such as `complexity_scores.simple`.
 */
export function deriveModel(
  model: CatalogueModel,
  pinned: ReadonlySet<string> = new Set(),
  measured: Measured = unmeasured,
): CatalogueModel {
  const keep = <T>(path: string, current: T, derived: T): T => (pinned.has(path) ? current : derived);
  const { capabilities, costs, complexity_scores: current } = model;
  const fast = keep('capabilities.fast_inference', capabilities.fast_inference, isFast(model, measured));
  const long = model.context_window !== null && model.context_window >= longContextTokens;
  const scores = initialScores({
    inputUsdPerMillionTokens: perMillion(costs.input_tokens_per_1k),
    outputUsdPerMillionTokens: perMillion(costs.output_tokens_per_1k),
    parameterBillions: parameterBillionsOf(model.model_id),
    reasoning: capabilities.reasoning,
    deprecated: model.status === 'deprecated',
  });
  return {
    ...model,
    capabilities: {
      ...capabilities,
      fast_inference: fast,
      long_context: keep('capabilities.long_context', capabilities.long_context, long),
    },
    complexity_scores: {
      simple: keep('complexity_scores.simple', current.simple, scores.simple),
      medium: keep('complexity_scores.medium', current.medium, scores.medium),
      complex: keep('complexity_scores.complex', current.complex, scores.complex),
    },
    refiner: fast && isRefinerApartFromSpeed(model),
  };
}

function isFast(model: CatalogueModel, measured: Measured): boolean {
  if (!model.capabilities.text_generation) return false;
  const { timeToFirstTokenMs, count } = measured;
  if (timeToFirstTokenMs !== null && count >= measurementsToTrust && timeToFirstTokenMs < fastTimeToFirstTokenMs) {
    return true;
  }
  return isAtMost(model.costs.output_tokens_per_1k, fastOutputUsdPer1k) && !alwaysReasons.test(model.model_id);
}

function isRefinerApartFromSpeed({ status, capabilities, costs }: CatalogueModel): boolean {
  return (
    status === 'stable' &&
    capabilities.text_generation &&
    isAtMost(costs.input_tokens_per_1k, refinerInputUsdPer1k) &&
    isAtMost(costs.output_tokens_per_1k, refinerOutputUsdPer1k)
  );
}

/** An unknown price is no low price. */
function isAtMost(price: number | null, limit: number): boolean {
  return price !== null && price <= limit;
}

function perMillion(usdPer1k: number | null): number | null {
  return usdPer1k === null ? null : usdPer1k * 1000;
}
