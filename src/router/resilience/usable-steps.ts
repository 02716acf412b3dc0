/** What to try of a chain. `isPanic`: too many steps are ejected, so that ejection does not count for this request. */
export interface Plan<Step> {
  steps: readonly Step[];
  isPanic: boolean;
}

/**
 * Leaves out the steps that are ejected, unless that leaves too few: where all are ejected, or more than
 * `maxEjectedShare` of them (in [0, 1]; rounded down to whole steps), the chain stays whole. With a share of 0.9 one of
 * two, two of three and nine of ten may be left out; 0 switches ejection off.
 *
 * The rule is Envoy's panic threshold: where nearly all looks broken, the looking may be what is broken, and a call
 * that may fail is better than none. It is decided on the steps of one request, because only they can take its load.
 */
export function usableSteps<Step>(
  steps: readonly Step[],
  isEjected: (step: Step) => boolean,
  maxEjectedShare: number,
): Plan<Step> {
  let ejected = 0;
  for (const step of steps) if (isEjected(step)) ejected += 1;
  if (ejected === 0) return { steps, isPanic: false };
  const isPanic = ejected === steps.length || ejected > Math.floor(maxEjectedShare * steps.length);
  return isPanic ? { steps, isPanic } : { steps: steps.filter((step) => !isEjected(step)), isPanic };
}
