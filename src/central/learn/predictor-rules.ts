import type { PredictorTally, StoredPredictor } from '../../platform/store/predictors.ts';
import { logEvidenceOfHarm } from '../../statistics/label-test.ts';

/** Chance that a predictor which does no harm is ever retired. */
const alpha = 0.02;
/** A predictor is trained anew when the fleet has seen so much more than when it was trained: a tenth, a half after harm. */
const growth = 1.1;
const growthAfterHarm = 1.5;

/**
 * What shows that choices turn out worse with a predictor than without; null where nothing does. Which choices are made
 * without is drawn for each anew, so that of their bad ends those with the predictor have its share while it does no harm:
 * the test of a canary, looked at as often as one likes. The share is that of the outcomes which were counted, not of the
 * settings, which may have been others when these choices were made; given it, bad ends spread no wider than in the test.
 */
export function harmOf(
  tallies: readonly PredictorTally[],
  version: number,
): { used: PredictorTally; heldOut: PredictorTally } | null {
  const used = tallies.find((tally) => tally.version === version && tally.arm === 'used');
  const heldOut = tallies.find((tally) => tally.version === version && tally.arm === 'held_out');
  if (used === undefined || heldOut === undefined || used.requests === 0 || heldOut.requests === 0) return null;
  const share = used.requests / (used.requests + heldOut.requests);
  const evidence = logEvidenceOfHarm([{ share, canary: used.bad, control: heldOut.bad }], 1);
  return evidence >= Math.log(1 / alpha) ? { used, heldOut } : null;
}

/** Whether there is enough that the newest predictor has not seen. `outcomes`: those that the fleet has counted. */
export function isWorthTraining(outcomes: number, newest: StoredPredictor | undefined, least: number): boolean {
  if (newest === undefined) return outcomes >= least;
  return outcomes >= newest.outcomesBefore * (newest.isRetired ? growthAfterHarm : growth);
}
