import { modelIdSchema } from '../../contracts/model.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import { placeInOrder, refusesProvider } from './filter.ts';
import { matchesPattern } from './pattern.ts';
import type { SelectionRequest } from './policy.ts';
import type { RoutableModel } from './routable-model.ts';

/** A place where a pinned model can be called; `entry` is null for a model that the catalogue does not list. */
export interface PinnedModel {
  modelId: string;
  providerName: string;
  entry: RoutableModel | null;
}

/** What a request says of the places where its model may be called. */
export type PinnedBounds = Pick<
  SelectionRequest,
  | 'onlyProviders'
  | 'ignoredProviders'
  | 'providerOrder'
  | 'allowsOtherProviders'
  | 'nativeSurface'
  | 'allowedModels'
  | 'requiresPrice'
>;

/** Why a place cannot be used, in words for the client. */
export type PinnedRefusal = 'model_not_allowed' | 'price_unknown' | 'provider_not_allowed' | 'surface';

/**
 * Where a model that the client named can be called: exactly one place for `provider/model_id`, all providers that have
 * it for `model_id`, in the order of the request, then healthy ones first, then the cheaper. A configured provider is
 * asked for a model that it does not list too, such as a fine-tuned one. Empty when the name says nothing here. A model
 * that the operator disabled is not offered. Pure.
 */
export function resolvePinned(name: string, snapshot: Snapshot, order: readonly string[]): PinnedModel[] {
  const exact = snapshot.byKey.get(name);
  if (exact !== undefined) return offered([exact], order);
  const sameId = snapshot.byModelId.get(name);
  if (sameId !== undefined) return offered(sameId, order);
  const slash = name.indexOf('/');
  const providerName = name.slice(0, slash);
  const modelId = name.slice(slash + 1);
  if (slash <= 0 || !snapshot.providers.has(providerName) || !modelIdSchema.safeParse(modelId).success) return [];
  return [{ modelId, providerName, entry: null }];
}

function offered(entries: readonly RoutableModel[], order: readonly string[]): PinnedModel[] {
  return entries
    .filter((entry) => entry.model.status !== 'disabled')
    .sort(
      (a, b) =>
        placeInOrder(a.provider, order) - placeInOrder(b.provider, order) ||
        Number(b.providerHealthy) - Number(a.providerHealthy) ||
        price(a) - price(b) ||
        (a.key < b.key ? -1 : 1),
    )
    .map((entry) => ({ modelId: entry.model.model_id, providerName: entry.provider.name, entry }));
}

const price = ({ model }: RoutableModel): number => model.costs.output_tokens_per_1k ?? Infinity;

/** Why the request cannot be answered there; null where it can. Pure. */
export function refusesPinned(
  { modelId, providerName, entry }: PinnedModel,
  bounds: PinnedBounds,
  snapshot: Snapshot,
): PinnedRefusal | null {
  const { allowedModels, nativeSurface } = bounds;
  const key = `${providerName}/${modelId}`;
  const isAllowed = (pattern: string): boolean => matchesPattern(pattern, modelId) || matchesPattern(pattern, key);
  if (allowedModels !== null && !allowedModels.some(isAllowed)) return 'model_not_allowed';
  const provider = snapshot.providers.get(providerName);
  if (provider === undefined || refusesProvider(provider, bounds) !== null) return 'provider_not_allowed';
  if (nativeSurface !== null && !(provider.passes as readonly string[]).includes(nativeSurface.name)) return 'surface';
  const hasPrice = entry !== null && entry.model.costs.input_tokens_per_1k !== null;
  return bounds.requiresPrice && !hasPrice ? 'price_unknown' : null;
}
