import { isPreviewId, kindOfModelId } from '../../platform/providers/model-id.ts';
import type { KnownModel } from '../../platform/store/models.ts';
import { compareAge, parseModelName } from './family.ts';

export interface FoundCandidate {
  provider: string;
  modelId: string;
  preview: boolean;
  replaces: string | null;
  reason: string;
}

/** A model this much younger in the catalogue than its provider came after it, and not with it. */
const laterMs = 60_000;

/**
 * The models that a provider has brought out since it is known: those it lists and the catalogue does not have yet, and
 * those that came into the catalogue later than the provider, by its own refresh. Text-generating models only.
 *
 * A provider of which the catalogue knows nothing has no candidates: all its models are equally new.
 */
export function findCandidates(
  provider: string,
  listedIds: readonly string[],
  known: readonly KnownModel[],
): FoundCandidate[] {
  if (known.length === 0) return [];
  const rows = new Map(known.map((model) => [model.modelId, model]));
  const firstMs = Math.min(...known.map((model) => model.createdAt.getTime()));

  return listedIds.flatMap((modelId) => {
    const row = rows.get(modelId);
    if (row === undefined) {
      if (kindOfModelId(modelId) !== 'chat') return [];
      return [describe(provider, modelId, known, 'is listed and not in the catalogue')];
    }
    const cameLater = row.createdAt.getTime() - firstMs > laterMs;
    if (!cameLater || row.source === 'manual' || !row.textGeneration) return [];
    return [describe(provider, modelId, known, `is listed since ${row.createdAt.toISOString().slice(0, 10)}`)];
  });
}

function describe(provider: string, modelId: string, known: readonly KnownModel[], since: string): FoundCandidate {
  const preview = isPreviewId(modelId);
  const name = parseModelName(modelId);
  const relatives = known
    .filter((model) => model.modelId !== modelId && model.textGeneration)
    .map((model) => ({ id: model.modelId, name: parseModelName(model.modelId) }))
    .filter((relative) => relative.name.family === name.family)
    .sort((a, b) => compareAge(b.name, a.name) || a.id.localeCompare(b.id));
  const [newest] = relatives;
  const age = newest === undefined ? 0 : compareAge(name, newest.name);
  const relation =
    newest === undefined
      ? 'no model of its family is known'
      : age > 0
        ? `newer than ${newest.id}`
        : age < 0
          ? `older than ${newest.id}`
          : `of the same version as ${newest.id}`;
  return {
    provider,
    modelId,
    preview,
    replaces: newest !== undefined && age > 0 ? newest.id : null,
    reason: `${since}; ${relation}${preview ? '; a preview' : ''}`,
  };
}
