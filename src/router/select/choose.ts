import {
  type Exclusion,
  type ExclusionReason,
  exclusionReasonSchema,
  type Explanation,
} from '../../contracts/decision.ts';
import type { RoutableModel } from './routable-model.ts';
import { filterModels, placeInOrder } from './filter.ts';
import type { Policy, SelectionRequest } from './policy.ts';
import { type ScoredModel, scoreModel } from './score.ts';

/** The models to try, best first, and why. `chain` is empty when no model is eligible. */
export interface Selection {
  chain: readonly ScoredModel[];
  explanation: Explanation;
}

/** Expected time to the first token in milliseconds, null where it is unknown. */
export type LatencyEstimate = (entry: RoutableModel) => number | null;

/** Most candidates and exclusions that an explanation lists; the counts cover all. */
const listedLimit = 20;

/**
 * Filter → score → choose → fallback chain. Pure and deterministic: equal totals are ordered by model key. Providers that
 * the request puts first come before better ones.
 * A model that was never measured counts as fast as the others are on average: neither shunned nor favoured for it.
 * The chain takes the next best models, those of providers not yet in it first, since models of one provider often fail
 * together.
 */
export function chooseModel(
  models: readonly RoutableModel[],
  request: SelectionRequest,
  policy: Policy,
  expectedTtftMs: LatencyEstimate,
): Selection {
  const { eligible, excluded } = filterModels(models, request, policy);
  const measured = eligible.map((entry) => ({ entry, ttftMs: expectedTtftMs(entry) }));
  const assumedTtftMs = mean(measured.flatMap(({ ttftMs }) => ttftMs ?? [])) ?? policy.latencyReferenceMs;
  const ranked = measured
    .map(({ entry, ttftMs }) => scoreModel(entry, request, policy, ttftMs, assumedTtftMs))
    .sort(
      (a, b) =>
        placeInOrder(a.entry.provider, request.providerOrder) - placeInOrder(b.entry.provider, request.providerOrder) ||
        b.candidate.terms.total - a.candidate.terms.total ||
        (a.entry.key < b.entry.key ? -1 : 1),
    );
  const chain = fallbackChain(ranked, policy.fallbackChainLength, request.providerOrder.length > 0);
  return {
    chain,
    explanation: {
      summary: summarise(chain, ranked, excluded, request),
      candidates: ranked.slice(0, listedLimit).map((scored) => scored.candidate),
      excluded: pickExamples(excluded),
      excluded_counts: countReasons(excluded),
    },
  };
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
function countReasons(excluded: readonly Exclusion[]): Partial<Record<ExclusionReason, number>> {
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
  ranked: readonly ScoredModel[],
  excluded: readonly Exclusion[],
  request: SelectionRequest,
): string {
  const [chosen] = chain;
  if (chosen === undefined) return `no model can answer: ${describeExclusions(excluded, countReasons(excluded))}`;
  const { candidate } = chosen;
  const cost = candidate.estimated_cost_usd;
  const price = cost === null ? 'at an unknown price' : `for about ${formatUsd(cost)}`;
  const runnerUp = ranked[1];
  const margin =
    runnerUp === undefined
      ? 'the only eligible model'
      : `${(candidate.terms.total - runnerUp.candidate.terms.total).toFixed(3)} ahead of ${runnerUp.candidate.model}`;
  const asked = request.prefer === null ? '' : `, asked to prefer ${request.prefer}`;
  return (
    `${candidate.model} for a ${request.queryType} request of ${request.complexity} complexity${asked}: ` +
    `${candidate.score_source} score ${candidate.complexity_score.toFixed(2)} of 5 ${price}, ${margin}`
  );
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
