import {
  type Candidate,
  type Exclusion,
  type ExclusionReason,
  exclusionReasonSchema,
  type Explanation,
  type TradeOff,
} from '../../contracts/decision.ts';
import type { RoutableModel } from './routable-model.ts';
import { estimatedCostUsd, filterModels, placeInOrder } from './filter.ts';
import { type Arm, choiceProbabilities, type ExplorationBounds, pickByProbability } from './explore.ts';
import type { Policy, SelectionRequest } from './policy.ts';
import { keepNearFloor, qualityRatio } from './quality-floor.ts';
import type { ScoreDraws } from './score-draws.ts';
import { candidateOf, type ScoredModel, scoreModel } from './score.ts';
import { tradeOffOf, weigh } from './trade-off.ts';

/** The models to try, the chosen one first, and why. `chain` is empty when no model is eligible. */
export interface Selection {
  chain: readonly ScoredModel[];
  /** With which probability the first of the chain was to be chosen; 1 where nothing is tried out. */
  propensity: number;
  explanation: Explanation;
}

/** Expected time to the first token in milliseconds, null where it is unknown. */
export type LatencyEstimate = (entry: RoutableModel) => number | null;

/** How a choice tries out what is not known well enough; see `explore.ts`. */
export interface Exploration {
  bounds: ExplorationBounds;
  drawsOf: ScoreDraws;
  /** In [0, 1): which of the choices is made. */
  uniform: number;
}

/** Models that are tried out at the most; those beyond them are far from the best. */
const exploredLimit = 16;
/** Most candidates and exclusions that an explanation lists; the counts cover all. */
const listedLimit = 20;

/**
 * The models that can answer, the best first, and those that cannot. Pure: of equal ones the cheaper comes first. Providers
 * that the request puts first come before better ones. A model that was never measured counts as fast as the others are on
 * average: neither shunned nor favoured for it.
 */
export function rankModels(
  models: readonly RoutableModel[],
  request: SelectionRequest,
  policy: Policy,
  expectedTtftMs: LatencyEstimate,
): { ranked: ScoredModel[]; excluded: Exclusion[]; tradeOff: TradeOff | null } {
  const { eligible, excluded } = filterModels(models, request, policy);
  const tradeOff = tradeOffOf(request, policy);
  const costs = eligible.map((entry) => estimatedCostUsd(entry, request, policy));
  const weighing = weigh(request, policy, tradeOff, costs);
  const times = eligible.map(expectedTtftMs);
  const assumedTtftMs = mean(times.filter((time) => time !== null)) ?? policy.latencyReferenceMs;
  const ranked = eligible
    .map((entry, at) =>
      scoreModel(entry, request, policy, weighing, costs[at] ?? null, times[at] ?? null, assumedTtftMs),
    )
    .sort(
      (a, b) =>
        placeInOrder(a.entry.provider, request.providerOrder) - placeInOrder(b.entry.provider, request.providerOrder) ||
        b.worth - a.worth ||
        compareCosts(a, b) ||
        (a.entry.key < b.entry.key ? -1 : 1),
    );
  return { ranked, excluded, tradeOff };
}

/** The cheaper first; an unknown price may be any. */
function compareCosts(a: ScoredModel, b: ScoredModel): number {
  if (a.costUsd === null || b.costUsd === null) return Number(a.costUsd === null) - Number(b.costUsd === null);
  return a.costUsd - b.costUsd;
}

/**
 * Filter → score → choose → fallback chain. Pure: what is tried out follows from the draws and the number given with
 * them. The chain takes the next best models, those of providers not yet in it first, since models of one provider often
 * fail together.
 */
export function chooseModel(
  models: readonly RoutableModel[],
  request: SelectionRequest,
  policy: Policy,
  expectedTtftMs: LatencyEstimate,
  exploration: Exploration | null = null,
): Selection {
  const { ranked: byWorth, excluded, tradeOff } = rankModels(models, request, policy, expectedTtftMs);
  const hasOrder = request.providerOrder.length > 0;
  const { qualityFloor } = policy;
  const isFloored = tradeOff?.source === 'quality_floor' && qualityFloor !== null;
  const ranked = isFloored ? keepNearFloor(byWorth, qualityFloor) : byWorth;
  const isRescued = ranked !== byWorth;
  const listed = ranked.slice(0, listedLimit).map((scored) => candidateOf(scored));
  const probabilities =
    exploration === null || hasOrder || isRescued ? [1] : probabilitiesOf(ranked, listed, request, exploration);
  const picked = pickByProbability(probabilities, exploration?.uniform ?? 0);
  const propensity = probabilities[picked] ?? 1;
  const first = ranked[picked];
  const preferred =
    first === undefined || picked === 0 ? ranked : [first, ...ranked.filter((scored) => scored !== first)];
  const chain = fallbackChain(preferred, policy.fallbackChainLength, hasOrder);
  return {
    chain,
    propensity,
    explanation: {
      summary: summarise(chain, listed, excluded, { ...request, tradeOff }, propensity, isRescued),
      ...(tradeOff === null || first === undefined
        ? {}
        : { trade_off: { ...tradeOff, quality_ratio: qualityRatio(first, ranked) } }),
      candidates: listed.map((candidate, index) => {
        const probability = probabilities[index] ?? 0;
        return probabilities.length > 1 && probability > 0 ? { ...candidate, probability } : candidate;
      }),
      excluded: pickExamples(excluded),
      excluded_counts: countReasons(excluded),
    },
  };
}

/** Of the first of the ranked models; all others have none. `listed`: as they are shown. */
function probabilitiesOf(
  ranked: readonly ScoredModel[],
  listed: readonly Candidate[],
  { complexity }: SelectionRequest,
  { bounds, drawsOf }: Exploration,
): number[] {
  if (ranked.length < 2) return [1];
  const arms = listed.slice(0, exploredLimit).map(({ terms: { total, quality } }, index): Arm => {
    // Rounded as they are shown, so that what is shown of a choice explains it to the last digit.
    const scored = ranked[index] as ScoredModel;
    return {
      worth: total,
      draws: drawsOf(scored.entry, complexity),
      base: total - quality,
      slope: scored.worthPerPoint,
      offset: scored.scoreOffset,
      costUsd: scored.costUsd,
    };
  });
  return choiceProbabilities(arms, bounds);
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

function fallbackChain(ranked: readonly ScoredModel[], length: number, hasOrder: boolean): ScoredModel[] {
  const [first, ...others] = ranked;
  if (first === undefined) return [];
  // Not against an order that the request gives.
  const elsewhere = hasOrder
    ? undefined
    : others.find((scored) => scored.entry.provider.name !== first.entry.provider.name);
  const rest = elsewhere === undefined ? others : [elsewhere, ...others.filter((scored) => scored !== elsewhere)];
  return [first, ...rest].slice(0, length);
}

/** Exclusions per reason, in the order in which the filters are applied. */
export function countReasons(excluded: readonly Exclusion[]): Partial<Record<ExclusionReason, number>> {
  const byReason = new Map<ExclusionReason, number>();
  for (const { reason } of excluded) byReason.set(reason, (byReason.get(reason) ?? 0) + 1);
  const counts: Partial<Record<ExclusionReason, number>> = {};
  for (const reason of exclusionReasonSchema.options) {
    const count = byReason.get(reason);
    if (count !== undefined) counts[reason] = count;
  }
  return counts;
}

/** The first of each reason before any second one, so that a short list still shows every reason. */
function pickExamples(excluded: readonly Exclusion[]): Exclusion[] {
  const seen = new Set<ExclusionReason>();
  const firsts: Exclusion[] = [];
  const others: Exclusion[] = [];
  for (const exclusion of excluded) {
    (seen.has(exclusion.reason) ? others : firsts).push(exclusion);
    seen.add(exclusion.reason);
  }
  return [...firsts, ...others].slice(0, listedLimit);
}

function summarise(
  chain: readonly ScoredModel[],
  listed: readonly Candidate[],
  excluded: readonly Exclusion[],
  request: Pick<SelectionRequest, 'queryType' | 'complexity' | 'prefer' | 'tradeOff'>,
  propensity: number,
  isRescued: boolean,
): string {
  const [chosen] = chain;
  if (chosen === undefined) return `no model can answer: ${describeExclusions(excluded, countReasons(excluded))}`;
  const { entry, known, believed, costUsd, promptShift } = chosen;
  const price = costUsd === null ? 'at an unknown price' : `for about ${formatUsd(costUsd)}`;
  const asked = describeWish(request);
  const choice = `${entry.model.model_id} for a ${request.queryType} request of ${request.complexity} complexity${asked}: `;
  const { score } = known;
  const source = promptShift === 0 ? 'by the newest answers' : 'for this prompt';
  const now = Math.abs(believed - score) < 0.005 ? '' : `, ${source} ${believed.toFixed(2)},`;
  const worth = `${known.source} score ${score.toFixed(2)} of 5${now} ${price}`;
  if (isRescued) return `${choice}${worth}, the cheapest that is not far below the quality floor`;
  const [best, runnerUp] = listed;
  if (best === undefined) return `${choice}${worth}`;
  if (best.model !== entry.model.model_id || best.provider !== entry.model.provider) {
    return `${choice}${worth}, tried out with probability ${propensity.toPrecision(2)} instead of ${best.model}`;
  }
  const margin =
    runnerUp === undefined
      ? 'the only eligible model'
      : `${(best.terms.total - runnerUp.terms.total).toFixed(3)} ahead of ${runnerUp.model}`;
  return `${choice}${worth}, ${margin}`;
}

const tradeOffSources = {
  request: 'as the request asks',
  key: 'of the key',
  configuration: 'of the configuration',
  quality_floor: 'at which the quality floor is kept',
} as const;

function describeWish({ prefer, tradeOff }: Pick<SelectionRequest, 'prefer' | 'tradeOff'>): string {
  if (tradeOff !== null) {
    const value = Number(tradeOff.value.toFixed(2));
    return `, at a trade-off of ${value} between quality (0) and cost (1), ${tradeOffSources[tradeOff.source]}`;
  }
  return prefer === null ? '' : `, asked to prefer ${prefer}`;
}

/**
 * Why there is no candidate, in words, the filter that took the last model first:
 * `all 9 models are excluded: 7 by capability (cannot do function_calling), 2 by status (…)`.
 */
export function describeExclusions(
  examples: readonly Exclusion[],
  counts: Partial<Record<ExclusionReason, number>>,
): string {
  const rows = Object.entries(counts).reverse();
  if (rows.length === 0) return 'the catalogue has no model yet; configure a provider';
  const total = rows.reduce((sum, [, count]) => sum + count, 0);
  const parts = rows.map(([reason, count]) => {
    const example = examples.find((exclusion) => exclusion.reason === reason);
    return `${count} by ${reason}${example === undefined ? '' : ` (${example.detail})`}`;
  });
  return `all ${total} models are excluded: ${parts.join(', ')}`;
}

export function formatUsd(amount: number): string {
  if (amount === 0) return '$0';
  return amount >= 0.01 ? `$${amount.toFixed(2)}` : `$${amount.toPrecision(2)}`;
}
