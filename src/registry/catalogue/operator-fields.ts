import type { ModelPatch } from '../../contracts/index.ts';
import type { CatalogueModel } from '../../platform/store/model-row.ts';
import { deriveModel, type Measured } from './derive.ts';

const groups = ['capabilities', 'costs', 'complexity_scores'] as const;
const singles = ['display_name', 'status', 'context_window', 'max_output_tokens', 'modalities'] as const;

/** The paths that a body sets, such as `status` or `costs.input_tokens_per_1k`: a refresh leaves them alone. */
export function pathsOf(patch: ModelPatch): string[] {
  const paths: string[] = singles.filter((name) => patch[name] !== undefined);
  for (const group of groups) {
    for (const [name, value] of Object.entries(patch[group] ?? {})) {
      if (value !== undefined) paths.push(`${group}.${name}`);
    }
  }
  return paths;
}

/**
 * A model with what an operator has set, and with what follows from it derived anew. What goes together moves
 * together, unless both are given: tool use with function calling, multimodal with the input modalities.
 */
export function applyPatch(
  model: CatalogueModel,
  given: ModelPatch,
  pinned: ReadonlySet<string>,
  measured: Measured,
): CatalogueModel {
  const patch = completePatch(model, given);
  const changed: CatalogueModel = {
    ...model,
    ...pickDefined(patch, singles),
    capabilities: { ...model.capabilities, ...withoutUndefined(patch.capabilities) },
    costs: { ...model.costs, ...withoutUndefined(patch.costs) },
    complexity_scores: { ...model.complexity_scores, ...withoutUndefined(patch.complexity_scores) },
  };
  return deriveModel(changed, new Set([...pinned, ...pathsOf(patch)]), measured);
}

/** The patch and what goes together with it. */
export function completePatch(model: CatalogueModel, patch: ModelPatch): ModelPatch {
  const { tool_use: tools, function_calling: functions, multimodal } = patch.capabilities ?? {};
  const capabilities: ModelPatch['capabilities'] = { ...patch.capabilities };
  if (tools !== undefined && functions === undefined) capabilities.function_calling = tools;
  if (functions !== undefined && tools === undefined) capabilities.tool_use = functions;
  if (patch.modalities !== undefined && multimodal === undefined) {
    capabilities.multimodal = patch.modalities.input.some((modality) => modality !== 'text');
  }
  const completed: ModelPatch = { ...patch };
  if (Object.keys(capabilities).length > 0) completed.capabilities = capabilities;
  const { input, output } = model.modalities;
  if (multimodal !== undefined && patch.modalities === undefined && multimodal !== model.capabilities.multimodal) {
    completed.modalities = { input: multimodal ? [...new Set([...input, 'image' as const])] : ['text'], output };
  }
  return completed;
}

/** A fresh entry with the values that an operator has pinned in the stored one. */
export function keepPinned(
  fresh: CatalogueModel,
  stored: CatalogueModel,
  pinned: readonly string[],
  measured: Measured,
): CatalogueModel {
  const kept: CatalogueModel = {
    ...fresh,
    capabilities: { ...fresh.capabilities },
    costs: { ...fresh.costs },
    complexity_scores: { ...fresh.complexity_scores },
  };
  for (const path of pinned) copyPath(kept, stored, path);
  return deriveModel(kept, new Set(pinned), measured);
}

function copyPath(to: CatalogueModel, from: CatalogueModel, path: string): void {
  const [head = '', name] = path.split('.');
  if (name === undefined) {
    const single = singles.find((candidate) => candidate === head);
    if (single !== undefined) Object.assign(to, { [single]: from[single] });
    return;
  }
  const group = groups.find((candidate) => candidate === head);
  if (group !== undefined && Object.hasOwn(from[group], name)) {
    Object.assign(to[group], { [name]: (from[group] as Record<string, unknown>)[name] });
  }
}

function pickDefined<T extends object, K extends keyof T>(object: T, keys: readonly K[]) {
  return withoutUndefined(Object.fromEntries(keys.map((key) => [key, object[key]])) as Pick<T, K>);
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function withoutUndefined<T extends object>(object: T | undefined): Defined<T> {
  return Object.fromEntries(Object.entries(object ?? {}).filter(([, value]) => value !== undefined)) as Defined<T>;
}
