import type { Need } from './admission/admission.ts';
import type { Decision } from './decide.ts';
import { costUsd, noUsage } from './predict/cost.ts';

/** Tokens are estimated by characters; some languages and most code need up to half as many again. */
const inputMargin = 1.5;

/**
 * The most that a decision may use: the dearest model of its chain, answering at the length that the request allows, or
 * `reserveOutputTokens` where it names none. Pure.
 */
export function needOf(decision: Decision, maxOutputTokens: number | null, reserveOutputTokens: number): Need {
  const inputTokens = Math.ceil(decision.inputTokens * inputMargin);
  const outputTokens = maxOutputTokens ?? reserveOutputTokens;
  const usage = { ...noUsage, inputTokens, outputTokens };
  const costs = decision.chain.map(({ entry }) => (entry === null ? null : costUsd(usage, entry.model.costs)));
  const isKnown = (cost: number | null): cost is number => cost !== null;
  return { inputTokens, outputTokens, costUsd: costs.every(isKnown) ? Math.max(...costs) : null };
}
