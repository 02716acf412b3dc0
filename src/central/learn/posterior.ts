import { type Beta, betaMean } from '../../statistics/beta.ts';
import { cusumRates, improvedRates, nextCusum } from '../../statistics/cusum.ts';
import { successRateOf } from '../../statistics/score-scale.ts';

/** Outcomes, weighted by what they are worth as evidence; corrections can take back more than there is left. */
export interface Outcomes {
  successes: number;
  failures: number;
}

/** What is believed of one cell, a (model, complexity). */
export interface Belief extends Outcomes {
  /** Outcomes since the cell was last begun anew, none of them forgotten. */
  observations: number;
  /** Share in [0, 1] of the catalogue's word that counts; less than 1 after an alarm has refuted it. */
  priorShare: number;
  /** CUSUM towards more failures; see `src/statistics/cusum.ts`. */
  worse: number;
  /** CUSUM towards fewer failures. */
  better: number;
}

/** How many outcomes the catalogue's score counts for. */
export const priorStrength = 10;
/** How many outcomes the rate that an alarm has found counts for: few, so that it is soon put to the test. */
const alarmStrength = 6;
/** A model that has become better in one cell is probably better in others: they keep their rate with this strength. */
const shakenStrength = 4;
/** One false alarm in about 20,000 outcomes: it takes traffic from a good model. */
export const worseThreshold = Math.log(20_000);
/** One in about a thousand: a false alarm costs only a few trials. */
export const betterThreshold = Math.log(1000);
/** While the catalogue's word counts less than this an alarm is fresh, and what was seen since is forgotten faster. */
const settledShare = 0.9;
/** So many times as fast: an outage ends, and a model that was out is to be tried again soon. */
const unsettledHaste = 10;

export const noBelief: Belief = {
  successes: 0,
  failures: 0,
  observations: 0,
  priorShare: 1,
  worse: 0,
  better: 0,
};

/**
 * The success rate as it is believed to be: Beta(n₀·p₀ + S, n₀·(1 − p₀) + F), with p₀ the rate that the catalogue's score
 * stands for and n₀ = 10 times the share of it that counts.
 */
export function posteriorOf(belief: Belief, catalogueScore: number): Beta {
  const strength = priorStrength * belief.priorShare;
  const rate = successRateOf(catalogueScore);
  const least = 0.001;
  return {
    alpha: Math.max(least, belief.successes + strength * rate),
    beta: Math.max(least, belief.failures + strength * (1 - rate)),
  };
}

/** What is left when `halfLives` have passed: evidence counts 2^−halfLives as much, and the catalogue's word comes back. */
export function forget(belief: Belief, halfLives: number): Belief {
  const haste = belief.priorShare < settledShare ? unsettledHaste : 1;
  const kept = 2 ** -(haste * Math.max(0, halfLives));
  return {
    ...belief,
    successes: belief.successes * kept,
    failures: belief.failures * kept,
    priorShare: 1 - (1 - belief.priorShare) * kept,
  };
}

/** The belief with more outcomes; both CUSUMs judge them by what was believed before. */
export function observe(belief: Belief, outcomes: Outcomes, catalogueScore: number): Belief {
  const failureRate = 1 - betaMean(posteriorOf(belief, catalogueScore));
  return {
    ...belief,
    successes: belief.successes + outcomes.successes,
    failures: belief.failures + outcomes.failures,
    observations: belief.observations + outcomes.successes + outcomes.failures,
    worse: nextCusum(belief.worse, outcomes, cusumRates(failureRate)),
    better: nextCusum(belief.better, outcomes, improvedRates(failureRate)),
  };
}

/** After the alarm of more failures: the raised rate, with little certainty, and nothing of the catalogue. */
export function becomeWorse(belief: Belief, catalogueScore: number): Belief {
  const { changed } = cusumRates(1 - betaMean(posteriorOf(belief, catalogueScore)));
  return { ...believeRate(1 - changed, alarmStrength), observations: belief.observations };
}

/** After the alarm of fewer failures: the lowered rate, with little certainty. */
export function becomeBetter(belief: Belief, catalogueScore: number): Belief {
  const { changed } = improvedRates(1 - betaMean(posteriorOf(belief, catalogueScore)));
  return { ...believeRate(1 - changed, alarmStrength), observations: belief.observations };
}

/** The same rate with little certainty, where there was more. */
export function shake(belief: Belief, catalogueScore: number): Belief {
  const posterior = posteriorOf(belief, catalogueScore);
  if (posterior.alpha + posterior.beta <= shakenStrength) return belief;
  return { ...believeRate(betaMean(posterior), shakenStrength), observations: belief.observations };
}

function believeRate(rate: number, strength: number): Belief {
  return { ...noBelief, successes: strength * rate, failures: strength * (1 - rate), priorShare: 0 };
}
