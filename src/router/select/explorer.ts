import type { Random } from '../../statistics/random.ts';
import type { Exploration } from './choose.ts';
import type { ExplorationBounds } from './explore.ts';
import { createScoreDraws } from './score-draws.ts';

/** Gives each choice its share of chance. */
export interface Explorer {
  /** Null where nothing is to be tried out. */
  next(): Exploration | null;
}

/** Without bounds, nothing is tried out. */
export function createExplorer(bounds: ExplorationBounds | null, random: Random): Explorer {
  if (bounds === null) return { next: () => null };
  const drawsOf = createScoreDraws(random);
  return { next: () => ({ bounds, drawsOf, uniform: random.next() }) };
}
