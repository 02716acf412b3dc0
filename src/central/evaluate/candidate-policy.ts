import type { Candidate, Prefer, TradeOff } from '../../contracts/decision.ts';
import type { QueryType } from '../../contracts/query-class.ts';
import type { ConfigValues } from '../../platform/config/schema.ts';
import { highestScore, ratePerPoint } from '../../statistics/score-scale.ts';

export type RoutingRules = ConfigValues['routing'];

/** What the log knows of a decision before it was made. */
export interface Situation {
  /** Models that could answer, as the router scored them then. */
  candidates: readonly Candidate[];
  queryType: QueryType | null;
  prefer: Prefer | null;
  /** Of the choice that was made. What the configuration of then has set is the new policy's to set. */
  tradeOff: TradeOff | null;
  /** Whether the router gave other models than the best a chance; it never does within a conversation, for example. */
  mayExplore: boolean;
}

export interface Choice {
  candidate: Candidate;
  /** In (0, 1]; those of all choices sum to 1. */
  probability: number;
}

/** A policy that is not in use, asked what it would have chosen. */
export interface CandidatePolicy {
  /** Choices with a probability above 0, the best first; none where it allows none of the candidates. */
  choose(situation: Situation): Choice[];
  /** Whether its `allow` and `deny` let a model be chosen. */
  allows(model: { model: string; provider: string }): boolean;
}

/** Models that the router tries out at the most. */
const exploredLimit = 16;

/**
 * Decides again as `router/select/score.ts` and `explore.ts` do, from what was logged of each candidate instead of the
 * catalogue: its score, estimated cost, expected time to the first token, and whether the conversation was with it. A test
 * holds this to the router's own choices. The best model is chosen but for the exploration floor, which is spread evenly
 * within the policy's bounds; trials beyond the floor hang on beliefs of the moment that no log has, and are left out. Pure.
 */
export function createCandidatePolicy(rules: RoutingRules): CandidatePolicy {
  // A catalogue's models come again and again.
  const verdicts = new Map<string, boolean>();

  function allows({ model, provider }: { model: string; provider: string }): boolean {
    const key = `${provider}/${model}`;
    const known = verdicts.get(key);
    if (known !== undefined) return known;
    const named = (pattern: string): boolean => matches(pattern, model) || matches(pattern, key);
    const verdict = !rules.deny.some(named) && rules.allow.some(named);
    verdicts.set(key, verdict);
    return verdict;
  }

  function choose(situation: Situation): Choice[] {
    const eligible = situation.candidates.filter(allows);
    const assumedTtftMs =
      mean(eligible.flatMap((candidate) => candidate.expected_ttft_ms ?? [])) ?? rules.latency_reference_ms;
    const weighing = weigh(situation, rules, eligible);
    const ranked = eligible
      .map((candidate) => ({ candidate, total: totalOf(candidate, situation, rules, weighing, assumedTtftMs) }))
      .sort(
        (a, b) =>
          b.total - a.total ||
          compareCosts(a.candidate, b.candidate) ||
          (keyOf(a.candidate) < keyOf(b.candidate) ? -1 : 1),
      )
      .map(({ candidate }) => candidate);
    const [best, ...others] = ranked.slice(0, exploredLimit);
    if (best === undefined) return [];
    const share = situation.mayExplore ? trialShare(best, others, rules) : 0;
    return [
      { candidate: best, probability: 1 - share * others.length },
      ...(share > 0 ? others.map((candidate) => ({ candidate, probability: share })) : []),
    ];
  }

  return { choose, allows };
}

/** The probability of each model but the best. */
function trialShare(
  best: Candidate,
  others: readonly Candidate[],
  { exploration: { enabled, floor, max_share: maxShare, max_extra_cost: maxExtraCost } }: RoutingRules,
): number {
  if (!enabled || others.length === 0) return 0;
  const share = floor / (others.length + 1);
  const explored = share * others.length;
  const scale = explored <= maxShare ? 1 : maxShare / explored;
  const extraCost = share * extraCosts(best, others);
  return share * (extraCost * scale > maxExtraCost ? maxExtraCost / extraCost : scale);
}

/** By how much dearer than the best the others are together, as a share of the best's cost. */
function extraCosts({ estimated_cost_usd: bestCost }: Candidate, others: readonly Candidate[]): number {
  if (bestCost === null) return 0;
  let extra = 0;
  for (const { estimated_cost_usd: cost } of others) {
    if (cost === null) return Number.POSITIVE_INFINITY;
    extra += Math.max(0, cost - bestCost);
  }
  return extra === 0 ? 0 : extra / bestCost;
}

function totalOf(
  candidate: Candidate,
  { queryType }: Situation,
  rules: RoutingRules,
  { weights, costReferenceUsd }: Weighing,
  assumedTtftMs: number,
): number {
  const { estimated_cost_usd: cost, expected_ttft_ms: ttftMs, terms } = candidate;
  // What the choice went by; decisions of earlier versions have the told score alone.
  const score = candidate.believed_score ?? candidate.complexity_score;
  const chain = queryType === null ? [] : rules.preferences[queryType];
  const rank = chain.findIndex((name) => name === candidate.model || name === keyOf(candidate));
  const quality = (weights.quality / highestScore) * score;
  const preference = weights.preference * (rank === -1 ? 0 : 1 - rank / chain.length);
  const costShare = cost === null ? 1 : saturate(cost, costReferenceUsd);
  const costTerm = -weights.cost * costShare;
  const latencyShare = saturate(ttftMs ?? assumedTtftMs, rules.latency_reference_ms);
  const latency = -weights.latency * latencyShare;
  // Where affinity had no weight the log does not say with whom the conversation was.
  const affinity = terms.affinity > 0 ? weights.affinity : 0;
  return quality + preference + costTerm + latency + affinity;
}

interface Weighing {
  weights: RoutingRules['weights'];
  costReferenceUsd: number;
}

/** As `router/select/trade-off.ts` weighs. */
function weigh(
  { prefer, tradeOff: logged }: Situation,
  { weights, prefer_multiplier: multiplier, cost_reference_usd, cost_quality_tradeoff }: RoutingRules,
  eligible: readonly Candidate[],
): Weighing {
  const factor = (preferred: Prefer): number => (prefer === preferred ? multiplier : 1);
  const ofKey = logged?.source === 'key' ? logged.value : cost_quality_tradeoff;
  const t = logged?.source === 'request' ? logged.value : prefer === null ? ofKey : undefined;
  if (t === undefined) {
    return {
      weights: {
        ...weights,
        quality: weights.quality * factor('quality'),
        cost: weights.cost * factor('cost'),
        latency: weights.latency * factor('speed'),
      },
      costReferenceUsd: cost_reference_usd,
    };
  }
  const others = 4 * t * (1 - t);
  return {
    weights: {
      quality: 2 * (1 - t) * weights.quality,
      cost: 2 * t * weights.cost,
      preference: others * weights.preference,
      latency: others * weights.latency * factor('speed'),
      affinity: others * weights.affinity,
    },
    costReferenceUsd: mean(eligible.flatMap((candidate) => candidate.estimated_cost_usd ?? [])) ?? cost_reference_usd,
  };
}

const saturate = (value: number, reference: number): number => (value === 0 ? 0 : value / (value + reference));

/** The cheaper first; an unknown price may be any. */
function compareCosts({ estimated_cost_usd: a }: Candidate, { estimated_cost_usd: b }: Candidate): number {
  return a === null || b === null ? Number(a === null) - Number(b === null) : a - b;
}

const keyOf = ({ model, provider }: Candidate): string => `${provider}/${model}`;

function mean(known: readonly number[]): number | null {
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
}

/** Whether `text` fits a pattern in which `*` stands for any text; everything else stands for itself. */
function matches(pattern: string, text: string): boolean {
  const [first = '', ...middle] = pattern.split('*');
  const last = middle.pop();
  if (last === undefined) return pattern === text;
  if (!text.startsWith(first)) return false;
  let position = first.length;
  for (const part of middle) {
    const found = text.indexOf(part, position);
    if (found === -1) return false;
    position = found + part.length;
  }
  return text.length - last.length >= position && text.endsWith(last);
}

/**
 * How many successes one USD is worth to a policy: λ of worth = success − λ·cost. In the policy's total, one success more
 * counts `weights.quality / 0.49` (a score of 5 stands for a success rate 0.49 above that of 0), and a request that costs
 * `cost_reference_usd` loses half of `weights.cost`; up to there its saturating term is taken as a line. Null where quality
 * or cost has no weight.
 */
export function successesPerUsd({ weights, cost_reference_usd: reference }: RoutingRules): number | null {
  if (weights.quality === 0 || weights.cost === 0) return null;
  const perSuccess = weights.quality / (highestScore * ratePerPoint);
  const rate = weights.cost / (2 * reference) / perSuccess;
  // Weights next to nothing make it more than any number.
  return rate < 1e12 ? rate : null;
}
