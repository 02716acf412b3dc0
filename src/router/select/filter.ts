import type { Exclusion, ExclusionReason } from '../../contracts/decision.ts';
import { costUsd, noUsage } from '../predict/cost.ts';
import type { RoutableModel } from './routable-model.ts';
import { matchesPattern } from './pattern.ts';
import type { Policy, SelectionRequest } from './policy.ts';

export interface Filtered {
  eligible: RoutableModel[];
  excluded: Exclusion[];
}

type Check = (
  entry: RoutableModel,
  request: SelectionRequest,
  policy: Policy,
) => { reason: ExclusionReason; detail: string } | null;

const statusCheck: Check = ({ model }) =>
  model.status === 'stable'
    ? null
    : {
        reason: 'status',
        detail: `${model.status} models answer only when pinned${model.status === 'candidate' ? ', and on trial' : ''}`,
      };

/** What has to do with the request; in the order in which they are applied. */
const requestChecks: readonly Check[] = [
  ({ model }, { requiredCapabilities }) => {
    const missing = ['text_generation' as const, ...requiredCapabilities].find((name) => !model.capabilities[name]);
    return missing === undefined ? null : { reason: 'capability', detail: `cannot do ${missing}` };
  },

  ({ model }, { inputModalities }) => {
    const missing = inputModalities.find((modality) => !model.modalities.input.includes(modality));
    return missing === undefined ? null : { reason: 'modality', detail: `takes no ${missing}` };
  },

  ({ model }, request, policy) => {
    if (model.context_window === null) return null;
    const needed = request.inputTokens + outputTokens(request, policy);
    if (needed <= model.context_window) return null;
    return { reason: 'context_length', detail: `needs about ${needed} tokens of ${model.context_window}` };
  },

  ({ provider }, { nativeSurface }) =>
    nativeSurface === null || provider.passes.includes(nativeSurface.name)
      ? null
      : { reason: 'surface', detail: `${nativeSurface.because} needs a provider with ${nativeSurface.name}` },

  ({ model }, { refinersOnly }) =>
    refinersOnly && !model.refiner ? { reason: 'not_a_refiner', detail: 'not fast and cheap enough' } : null,

  (entry, { onlyModels, allowedModels }, policy) => {
    const named = (pattern: string): boolean =>
      matchesPattern(pattern, entry.model.model_id) || matchesPattern(pattern, entry.key);
    if (onlyModels !== null && !onlyModels.includes(entry.model.model_id) && !onlyModels.includes(entry.key)) {
      return { reason: 'not_allowed', detail: 'not among the models of the request' };
    }
    if (allowedModels !== null && !allowedModels.some(named)) {
      return { reason: 'not_allowed', detail: 'not among the models of the key' };
    }
    if (policy.deny.some(named)) return { reason: 'not_allowed', detail: 'denied by the configuration' };
    return policy.allow.some(named) ? null : { reason: 'not_allowed', detail: 'not allowed by the configuration' };
  },

  ({ provider }, request) => {
    const detail = refusesProvider(provider, request);
    return detail === null ? null : { reason: 'provider_not_allowed', detail };
  },

  (entry, request, policy) => {
    const { model } = entry;
    const { maxInputUsdPerMillionTokens: maxInput, maxOutputUsdPerMillionTokens: maxOutput, maxCostUsd } = request;
    const isBounded = maxInput !== null || maxOutput !== null || maxCostUsd !== null || request.requiresPrice;
    if (!isBounded) return null;
    const input = model.costs.input_tokens_per_1k;
    const output = model.costs.output_tokens_per_1k;
    if (input === null || output === null) return { reason: 'price_unknown', detail: 'no price to hold to the bound' };
    if ((maxInput !== null && input * 1000 > maxInput) || (maxOutput !== null && output * 1000 > maxOutput)) {
      return { reason: 'price_bound', detail: `costs ${input * 1000} / ${output * 1000} USD per million tokens` };
    }
    const cost = estimatedCostUsd(entry, request, policy);
    return maxCostUsd !== null && cost !== null && cost > maxCostUsd
      ? { reason: 'budget', detail: `would cost about ${cost.toPrecision(3)} USD` }
      : null;
  },
];

/** A model is excluded by the first that it fails. */
const checks: readonly Check[] = [statusCheck, ...requestChecks];

/**
 * Whether a model could serve the request if its status were no matter, as it is none for one on trial. What its operator
 * has disabled, or its provider is about to end, serves none.
 */
export function mayServe(entry: RoutableModel, request: SelectionRequest, policy: Policy): boolean {
  const { status } = entry.model;
  if (status === 'disabled' || status === 'deprecated') return false;
  return requestChecks.every((check) => check(entry, request, policy) === null);
}

/** What a request says of the providers that may answer it. */
export type ProviderBounds = Pick<
  SelectionRequest,
  'onlyProviders' | 'ignoredProviders' | 'providerOrder' | 'allowsOtherProviders'
>;

/** Why the request does not want this provider; null where it may answer. */
export function refusesProvider(provider: { name: string; kind: string }, request: ProviderBounds): string | null {
  const { onlyProviders, ignoredProviders, providerOrder, allowsOtherProviders } = request;
  const isNamed = (names: readonly string[]): boolean => names.includes(provider.name) || names.includes(provider.kind);
  if (onlyProviders !== null && !isNamed(onlyProviders)) return 'not among the providers of the request';
  if (isNamed(ignoredProviders)) return 'ignored by the request';
  const isAfterAll = providerOrder.length > 0 && !allowsOtherProviders && !isNamed(providerOrder);
  return isAfterAll ? 'not in the order of the request' : null;
}

/** Where the provider stands in the order of the request: 0 for the first, after all of them where it is not named. */
export function placeInOrder(provider: { name: string; kind: string }, order: readonly string[]): number {
  if (order.length === 0) return 0;
  const byName = order.indexOf(provider.name);
  const place = byName === -1 ? order.indexOf(provider.kind) : byName;
  return place === -1 ? order.length : place;
}

/** Splits models into those that may answer and those that may not, each of the latter with its reason. Pure. */
export function filterModels(models: readonly RoutableModel[], request: SelectionRequest, policy: Policy): Filtered {
  const eligible: RoutableModel[] = [];
  const excluded: Exclusion[] = [];
  for (const entry of models) {
    const failed = firstFailure(entry, request, policy);
    if (failed === null) eligible.push(entry);
    else excluded.push({ model: entry.model.model_id, provider: entry.model.provider, ...failed });
  }
  // When every provider that could answer is marked unhealthy, the marks are more likely wrong than all of them right.
  const healthy = eligible.filter((entry) => entry.providerHealthy);
  if (healthy.length === 0 || healthy.length === eligible.length) return { eligible, excluded };
  for (const entry of eligible) {
    if (entry.providerHealthy) continue;
    const detail = 'its provider fails health checks';
    excluded.push({
      model: entry.model.model_id,
      provider: entry.model.provider,
      reason: 'provider_unhealthy',
      detail,
    });
  }
  return { eligible: healthy, excluded };
}

function firstFailure(entry: RoutableModel, request: SelectionRequest, policy: Policy): ReturnType<Check> {
  for (const check of checks) {
    const failed = check(entry, request, policy);
    if (failed !== null) return failed;
  }
  return null;
}

export function outputTokens(request: SelectionRequest, policy: Policy): number {
  const expected = policy.expectedOutputTokens[request.complexity];
  return request.maxOutputTokens === null ? expected : Math.min(request.maxOutputTokens, expected);
}

/**
 * Expected cost of the request on this model in USD; null where its price is unknown. What of a conversation is still in
 * a cache costs the cached price there, and the full one everywhere else: the loss of a switch.
 */
export function estimatedCostUsd(
  { key, model }: Pick<RoutableModel, 'key' | 'model'>,
  request: SelectionRequest,
  policy: Policy,
): number | null {
  const { inputTokens, conversation } = request;
  const cached = conversation?.modelKey === key ? Math.min(conversation.cachedInputTokens, inputTokens) : 0;
  const usage = { ...noUsage, inputTokens, cachedInputTokens: cached, outputTokens: outputTokens(request, policy) };
  return costUsd(usage, model.costs);
}
