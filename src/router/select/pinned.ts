import { modelIdSchema } from '../../contracts/model.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import type { RoutableModel } from './routable-model.ts';

/** A place where a pinned model can be called; `entry` is null for a model that the catalogue does not list. */
export interface PinnedModel {
  modelId: string;
  providerName: string;
  entry: RoutableModel | null;
}

/**
 * Where a model that the client named can be called: exactly one place for `provider/model_id`, all providers that have
 * it for `model_id`, healthy ones first, then the cheaper. A configured provider is asked for a model that it does not
 * list too, such as a fine-tuned one. Empty when the name says nothing here. A model that the operator disabled is not
 * offered. Pure.
 */
export function resolvePinned(name: string, snapshot: Snapshot): PinnedModel[] {
  const exact = snapshot.byKey.get(name);
  if (exact !== undefined) return offered([exact]);
  const sameId = snapshot.byModelId.get(name);
  if (sameId !== undefined) return offered(sameId);
  const slash = name.indexOf('/');
  const providerName = name.slice(0, slash);
  const modelId = name.slice(slash + 1);
  if (slash <= 0 || !snapshot.providers.has(providerName) || !modelIdSchema.safeParse(modelId).success) return [];
  return [{ modelId, providerName, entry: null }];
}

function offered(entries: readonly RoutableModel[]): PinnedModel[] {
  return entries
    .filter((entry) => entry.model.status !== 'disabled')
    .sort(
      (a, b) =>
        Number(b.providerHealthy) - Number(a.providerHealthy) || price(a) - price(b) || (a.key < b.key ? -1 : 1),
    )
    .map((entry) => ({ modelId: entry.model.model_id, providerName: entry.provider.name, entry }));
}

const price = ({ model }: RoutableModel): number => model.costs.output_tokens_per_1k ?? Infinity;
