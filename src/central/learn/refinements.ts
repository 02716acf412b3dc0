import { betaMean } from '../../statistics/beta.ts';
import { drawTowardsWhole } from './consensus.ts';
import { type PartKind, partKinds } from './evidence.ts';
import type { Cell } from './fleet-beliefs.ts';
import { posteriorOf } from './posterior.ts';

/** By how much the success rate of a part of a cell differs from the cell's own, in [−1, 1]. */
export interface Refinement {
  kind: PartKind;
  value: string;
  offset: number;
}

/** Smaller differences change no choice. */
const leastOffset = 0.005;

/** What is to be added to the cell's success rate for each provider, query type and instance. Pure. */
export function refinementsOf(cell: Cell, catalogueScore: number): Refinement[] {
  const whole = betaMean(posteriorOf(cell.belief, cell.baseScore ?? catalogueScore));
  return partKinds.flatMap((kind) => {
    const parts = cell.parts.filter((part) => part.kind === kind);
    const usual = parts.filter((part) => !part.isOutlier);
    const rates = drawTowardsWhole(usual, whole);
    const refined = usual.map(({ value }, index) => ({ kind, value, offset: (rates[index] ?? whole) - whole }));
    // That an outlier differs is no chance, so nothing is drawn.
    const outliers = parts
      .filter((part) => part.isOutlier)
      .map(({ value, successes, failures }) => ({
        kind,
        value,
        offset: Math.max(0, successes) / Math.max(0.001, successes + failures) - whole,
      }));
    return [...refined, ...outliers].filter(({ offset }) => Math.abs(offset) >= leastOffset);
  });
}
