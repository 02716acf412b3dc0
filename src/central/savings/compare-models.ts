import { createOffPolicyLog, type Estimate, type MeasureEstimate } from '../../statistics/off-policy.ts';
import { wilsonInterval } from '../../statistics/proportion.ts';
import type { LoggedChoice } from './read-choices.ts';

/** What is known of a model in the place of the choices that were made. */
export interface SingleModel {
  /** `provider/model`. */
  key: string;
  /** Success rate: what was measured and what is believed, by their weight. */
  successRate: number;
  /** How many decisions of this model itself would say as much. */
  effectiveCount: number;
}

/** How the choices did beside one model alone. */
export interface Comparison {
  /** Decisions by chance that the model could have answered, by which the two are compared. */
  used: number;
  effectiveCount: number;
  /** Of the choices on those decisions; where there are none, on all. Null without any. */
  success: Estimate | null;
  /** Null where too little is known of the model. */
  measured: { baseline: Estimate; snips: number | null; ratio: Estimate } | null;
  /** Mean of what was believed of the served models, divided by that of the model; null without any. */
  believedRatio: number | null;
}

/** Fewer effective decisions than this prove nothing; a belief counts for as many. */
const leastEffective = 100;
/** A model that could answer fewer of the requests is none for all of them. */
const leastEligible = 0.9;
/** Models that are looked at, those believed to be best first. */
const comparedModels = 16;

/**
 * The model of the highest success rate, of those in `among` that could have answered nearly all of the decisions; null
 * where there is none. Of models that were hardly tried the belief decides. Pure.
 */
export function findBestSingle(choices: readonly LoggedChoice[], among: ReadonlySet<string>): SingleModel | null {
  const sums = new Map<string, { believed: number; count: number }>();
  for (const { offers } of choices) {
    for (const [key, { believed }] of offers) {
      if (!among.has(key)) continue;
      const sum = sums.get(key) ?? { believed: 0, count: 0 };
      sums.set(key, { believed: sum.believed + believed, count: sum.count + 1 });
    }
  }
  return [...sums]
    .filter(([, { count }]) => count >= leastEligible * choices.length)
    .map(([key, { believed, count }]) => ({ key, believed: believed / count }))
    .sort((a, b) => b.believed - a.believed || (a.key < b.key ? -1 : 1))
    .slice(0, comparedModels)
    .map(({ key }) => judgeSingle(key, choices))
    .filter((single) => single !== null)
    .reduce<SingleModel | null>(
      (best, one) => (best === null || one.successRate > best.successRate ? one : best),
      null,
    );
}

/** What is known of a model; null where it could answer none of the decisions. Pure. */
export function judgeSingle(key: string, choices: readonly LoggedChoice[]): SingleModel | null {
  const beliefs = choices.flatMap(({ offers }) => offers.get(key)?.believed ?? []);
  const believed = mean(beliefs);
  if (believed === null) return null;
  const estimate = estimateOf(key, choices);
  const effectiveCount = estimate?.effectiveCount ?? 0;
  const measured = estimate?.doublyRobust.value ?? believed;
  return {
    key,
    successRate: (effectiveCount * measured + leastEffective * believed) / (effectiveCount + leastEffective),
    effectiveCount,
  };
}

/**
 * The choices beside the model, by the probabilities with which they were made (`statistics/off-policy.ts`). With L and B
 * the success of the two, L / B = 1 − (B − L) / B; the interval is that of the difference, on the same decisions, divided by
 * the estimate of B, whose own error adds little where the two are close. Pure.
 */
export function compareWith(key: string, choices: readonly LoggedChoice[]): Comparison {
  const estimate = estimateOf(key, choices);
  const effectiveCount = estimate?.effectiveCount ?? 0;
  const isKnown = estimate !== null && effectiveCount >= leastEffective && estimate.doublyRobust.value > 0;
  return {
    used: estimate?.count ?? 0,
    effectiveCount,
    success: estimate === null ? successOf(choices) : toEstimate(estimate.logged),
    measured: isKnown ? ratioOf(estimate) : null,
    believedRatio: believedRatio(key, choices),
  };
}

/**
 * Of the policy that always takes the model, on the decisions by chance in which it was offered; null where there are
 * too few.
 */
function estimateOf(key: string, choices: readonly LoggedChoice[]): MeasureEstimate | null {
  const log = createOffPolicyLog([{ low: 0, high: 1, span: 1 }]);
  for (const { complexity, served, propensity, isGood, byChance, offers } of choices) {
    const offer = offers.get(key);
    if (!byChance || offer === undefined) continue;
    log.add({
      context: complexity,
      action: served,
      propensity,
      choices: [{ action: key, probability: 1, loggedProbability: offer.probability }],
      rewards: [Number(isGood)],
    });
  }
  return log.estimate(0);
}

function ratioOf({ doublyRobust, snips }: MeasureEstimate): Comparison['measured'] {
  const { value, difference } = doublyRobust;
  const ratio = (lost: number): number => Math.max(0, 1 - lost / value);
  const [low, high] = difference.interval;
  return {
    baseline: toEstimate(doublyRobust),
    snips: snips?.value ?? null,
    ratio: { value: ratio(difference.value), interval: [ratio(high), ratio(low)] },
  };
}

export function successOf(choices: readonly LoggedChoice[]): Estimate | null {
  if (choices.length === 0) return null;
  const good = choices.filter(({ isGood }) => isGood).length;
  return { value: good / choices.length, interval: wilsonInterval(good, choices.length) };
}

function believedRatio(key: string, choices: readonly LoggedChoice[]): number | null {
  const known = choices.filter(({ served, offers }) => offers.has(served) && offers.has(key));
  const ofServed = mean(known.flatMap(({ served, offers }) => offers.get(served)?.believed ?? []));
  const ofModel = mean(known.flatMap(({ offers }) => offers.get(key)?.believed ?? []));
  return ofServed === null || ofModel === null ? null : ofServed / ofModel;
}

function toEstimate({ value, interval }: Estimate): Estimate {
  return { value, interval };
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}
