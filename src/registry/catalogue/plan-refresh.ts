import type { ListedModel } from '../../platform/providers/list-models.ts';
import type { CatalogueModel, StoredModel } from '../../platform/store/model-row.ts';
import { buildModels, type ModelSource } from './build-models.ts';
import { keepPinned } from './operator-fields.ts';

export interface RefreshSource extends ModelSource {
  /** Offered besides what the provider lists. */
  models: readonly string[];
}

export interface RefreshPlan {
  /** To insert, or to bring up to date. */
  upserts: CatalogueModel[];
  /** Offered until now, not listed any more. */
  unlisted: CatalogueModel[];
}

/**
 * What a refresh does with one provider's models. `listed` is null when the provider could not be asked: then its rows
 * stay as they are, and only configured models that have no row yet are added. Rows that an operator made are never
 * touched; of the others, the fields that an operator pinned are kept.
 *
 * A model that is new where `newOnTrial` begins as a candidate, unless the configuration names it; one that is a candidate
 * stays one until somebody sets its status.
 */
export function planRefresh(
  source: RefreshSource,
  listed: readonly ListedModel[] | null,
  stored: readonly StoredModel[],
  at: Date,
  newOnTrial = false,
): RefreshPlan {
  const rows = new Map(stored.map((row) => [row.model.model_id, row]));
  if (listed === null) {
    const known = stored.filter((row) => row.listed).map((row) => row.model.model_id);
    const built = buildModels(source, unite([], [...source.models, ...known]), at);
    return { upserts: built.filter((model) => !rows.has(model.model_id)), unlisted: [] };
  }
  const onTrial = new Set(
    listed.flatMap(({ id }) => {
      const row = rows.get(id);
      const isOnTrial = row === undefined ? newOnTrial && !source.models.includes(id) : isCandidate(row);
      return isOnTrial ? [id] : [];
    }),
  );
  const built = buildModels(source, unite(listed, source.models), at, onTrial);
  const ids = new Set(built.map((model) => model.model_id));
  const upserts = built.flatMap((model) => {
    const row = rows.get(model.model_id);
    if (row === undefined) return [model];
    if (row.source === 'manual') return [];
    const measured = { timeToFirstTokenMs: row.measuredTimeToFirstTokenMs, count: row.timeToFirstTokenCount };
    return [keepPinned(model, row.model, row.pinnedFields, measured)];
  });
  const unlisted = stored.filter((row) => row.listed && row.source === 'discovered' && !ids.has(row.model.model_id));
  return { upserts, unlisted: unlisted.map((row) => row.model) };
}

function isCandidate({ model, source }: StoredModel): boolean {
  return model.status === 'candidate' && source === 'discovered';
}

function unite(listed: readonly ListedModel[], configured: readonly string[]): ListedModel[] {
  const known = new Set(listed.map((entry) => entry.id));
  const added = [...new Set(configured)].filter((id) => !known.has(id));
  return [...listed, ...added.map((id) => ({ id, displayName: null, contextWindow: null, maxOutputTokens: null }))];
}

/** Whether requests may reach this model at a price that nobody knows. */
export function hasUnknownPrice({ capabilities, costs }: CatalogueModel): boolean {
  if (capabilities.text_generation) return costs.input_tokens_per_1k === null || costs.output_tokens_per_1k === null;
  return capabilities.embeddings && costs.input_tokens_per_1k === null;
}
