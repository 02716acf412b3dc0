import type { ScoredModel } from './score.ts';

/** What a model loses that is like one already in the field, of the scale of `ScoredModel.worth`. */
const likeness = { family: 0.2, provider: 0.1 } as const;

/**
 * Up to `count` models for a race, the best first: each time the one of the greatest total, less what it has in common with
 * those already in. Models of one family make the same mistakes, and those of one provider fail together, so that a second
 * of them adds less. No model is in twice, at whatever provider. Pure; `ranked` holds the best first.
 */
export function chooseField(ranked: readonly ScoredModel[], count: number): ScoredModel[] {
  const field: ScoredModel[] = [];
  const left = [...ranked];
  while (field.length < count) {
    let best: { index: number; worth: number } | null = null;
    for (const [index, scored] of left.entries()) {
      if (field.some((other) => isSameModel(scored.entry.model.model_id, other.entry.model.model_id))) continue;
      const worth = scored.worth - Math.max(0, ...field.map((other) => likenessOf(scored, other)));
      if (best === null || worth > best.worth) best = { index, worth };
    }
    if (best === null) return field;
    field.push(...left.splice(best.index, 1));
  }
  return field;
}

function likenessOf({ entry: a }: ScoredModel, { entry: b }: ScoredModel): number {
  return Math.max(
    familyOf(a.model.model_id) === familyOf(b.model.model_id) ? likeness.family : 0,
    a.provider.name === b.provider.name ? likeness.provider : 0,
  );
}

/** Whether two names are of one model, at whatever provider. */
export function isSameModel(a: string, b: string): boolean {
  return nameOfModel(a) === nameOfModel(b);
}

/** The name of a model alone; marketplaces put the maker before it: `openai/gpt-5`. */
export function nameOfModel(modelId: string): string {
  return modelId.slice(modelId.lastIndexOf('/') + 1).toLowerCase();
}

/** The word that a name begins with: `gpt` of `gpt-5-mini`. */
function familyOf(modelId: string): string {
  return /^[a-z]+/.exec(nameOfModel(modelId))?.[0] ?? nameOfModel(modelId);
}
