import type { Complexity } from '../../contracts/query-class.ts';
import { sampleBeta } from '../../statistics/beta.ts';
import type { Random } from '../../statistics/random.ts';
import { scoreOf, successRateOf } from '../../statistics/score-scale.ts';
import type { RoutableModel } from './routable-model.ts';

/** What the score of a model may truly be: draws from what is believed of it, in [0, 5]. */
export type ScoreDraws = (entry: RoutableModel, complexity: Complexity) => Float64Array;

export const drawCount = 64;
/** The same draws serve so many choices; a new snapshot has new ones in any case. */
const usesOfDraws = 100;

interface Drawn {
  draws: Float64Array;
  usesLeft: number;
}

/** Draws for the models of the current snapshot; those of earlier ones go with it. */
export function createScoreDraws(random: Random): ScoreDraws {
  const byModel = new WeakMap<RoutableModel, Partial<Record<Complexity, Drawn>>>();
  return (entry, complexity) => {
    const ofModel = byModel.get(entry) ?? {};
    byModel.set(entry, ofModel);
    const known = ofModel[complexity];
    const drawn = known === undefined || known.usesLeft === 0 ? drawAnew(entry, complexity, random) : known;
    drawn.usesLeft -= 1;
    ofModel[complexity] = drawn;
    return drawn.draws;
  };
}

function drawAnew(entry: RoutableModel, complexity: Complexity, random: Random): Drawn {
  const { believed, strength } = entry.scores[complexity];
  const rate = successRateOf(believed);
  const belief = { alpha: rate * strength, beta: (1 - rate) * strength };
  return {
    draws: Float64Array.from({ length: drawCount }, () => scoreOf(sampleBeta(belief, random))),
    usesLeft: usesOfDraws,
  };
}
