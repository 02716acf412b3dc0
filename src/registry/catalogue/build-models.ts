import type { Capabilities, Costs, Modality, ModelStatus } from '../../contracts/index.ts';
import type { ProviderKind } from '../../platform/providers/definitions.ts';
import type { ListedModel } from '../../platform/providers/list-models.ts';
import { isPreviewId, kindOfModelId, type ModelKind, withoutDate } from '../../platform/providers/model-id.ts';
import type { CatalogueModel } from '../../platform/store/model-row.ts';
import { deriveModel } from './derive.ts';
import { findMetadata, type MetadataMatch } from './metadata.ts';
import { findInPriceList, type PriceListEntry, unknownCosts } from './prices.ts';

/** The part of a provider that its models' entries depend on. */
export interface ModelSource {
  name: string;
  kind: ProviderKind;
  priceListId: string | null;
}

/** Ids of models that have to prove themselves before they may take anybody's place. */
export type OnTrial = ReadonlySet<string>;

/**
 * The catalogue's entries for the models that a provider lists, in their order, with the prices in force at `at`.
 *
 * A model's status depends on the others: see `statusOf`.
 */
export function buildModels(
  source: ModelSource,
  listed: readonly ListedModel[],
  at: Date,
  onTrial: OnTrial = new Set(),
): CatalogueModel[] {
  const known = listed.map((entry) => gatherFacts(source, entry, at));
  const ids = new Set(listed.map((entry) => entry.id));
  const currentMakers = new Set(
    known
      .filter((facts) => isCurrent(facts) && !onTrial.has(facts.listed.id))
      .map((facts) => facts.match?.metadata.maker),
  );
  return known.map((facts) => {
    const status = statusOf(facts, ids, currentMakers);
    const isCandidate = status === 'stable' && facts.kind === 'chat' && onTrial.has(facts.listed.id);
    return deriveModel(toModel(source, facts, isCandidate ? 'candidate' : status));
  });
}

interface Facts {
  listed: ListedModel;
  kind: ModelKind;
  match: MetadataMatch | undefined;
  priceListEntry: PriceListEntry | undefined;
  costs: Costs;
}

function gatherFacts(source: ModelSource, listed: ListedModel, at: Date): Facts {
  const priceListEntry = source.priceListId === null ? undefined : findInPriceList(source.priceListId, listed.id, at);
  const kind = kindOfModelId(listed.id);
  const match = findMetadata(listed.id);
  return {
    listed,
    kind,
    // `gpt-4o-mini-tts` has little in common with the family with whose name it begins.
    match: kind === 'chat' || match?.by === 'id' ? match : undefined,
    priceListEntry,
    // Ollama runs on the user's own machine: there is nobody who could charge for it.
    costs: source.kind === 'ollama' ? localCosts : (priceListEntry?.costs ?? unknownCosts),
  };
}

const localCosts: Costs = {
  input_tokens_per_1k: 0,
  output_tokens_per_1k: 0,
  cached_input_tokens_per_1k: 0,
  cache_write_tokens_per_1k: 0,
  currency: 'USD',
  audio_input_tokens_per_1k: 0,
  audio_output_tokens_per_1k: 0,
};

function isSuperseded({ match, priceListEntry }: Facts): boolean {
  return (match?.by === 'id' && match.metadata.superseded) || priceListEntry?.deprecated === true;
}

function isCurrent(facts: Facts): boolean {
  return facts.match?.by === 'id' && facts.kind === 'chat' && !isSuperseded(facts) && !isPreviewId(facts.listed.id);
}

/**
 * `snapshot`: a dated copy whose undated form the provider lists too. `deprecated`: superseded or retired by its maker,
 * where the provider lists a current model of that maker; where it has nothing newer, an old model is all there is.
 * `preview`: the id says so. A model on trial is no newer one in this sense: until it has proved itself, the old ones are all
 * there is.
 */
function statusOf(facts: Facts, ids: ReadonlySet<string>, currentMakers: ReadonlySet<string | undefined>): ModelStatus {
  const { id } = facts.listed;
  const undated = withoutDate(id);
  if (undated !== id && (ids.has(undated) || ids.has(`${undated}-latest`))) return 'snapshot';
  const replaceable = facts.match === undefined || currentMakers.has(facts.match.metadata.maker);
  if (isSuperseded(facts) && replaceable) return 'deprecated';
  return isPreviewId(id) ? 'preview' : 'stable';
}

function toModel(source: ModelSource, facts: Facts, status: ModelStatus): CatalogueModel {
  const { listed, match, costs } = facts;
  const contextWindow =
    listed.contextWindow ?? facts.priceListEntry?.contextWindow ?? match?.metadata.contextWindow ?? null;
  return {
    model_id: listed.id,
    provider: source.name,
    display_name: listed.displayName ?? (match?.by === 'id' ? match.metadata.label : null),
    status,
    ...abilitiesOf(facts),
    context_window: contextWindow,
    max_output_tokens: listed.maxOutputTokens ?? (match?.by === 'id' ? match.metadata.maxOutputTokens : null),
    costs,
    complexity_scores: { simple: 0, medium: 0, complex: 0 },
    refiner: false,
  };
}

function abilitiesOf({ kind, match }: Facts): Pick<CatalogueModel, 'capabilities' | 'modalities'> {
  const metadata = kind === 'chat' ? match?.metadata : undefined;
  const tools = metadata?.tools ?? false;
  const input: Modality[] = ['text'];
  if (metadata?.vision === true) input.push('image');
  if (metadata?.audio === true) input.push('audio');
  // Known of Google's models only, and of all those that hear.
  if (metadata?.audio === true && metadata.maker === 'google') input.push('video');
  if (metadata?.documents === true) input.push('file');
  const capabilities: Capabilities = {
    text_generation: kind === 'chat',
    multimodal: metadata?.vision ?? false,
    tool_use: tools,
    long_context: false,
    streaming: kind === 'chat',
    function_calling: tools,
    fast_inference: false,
    // Whoever calls functions can be held to a JSON schema.
    structured_output: tools,
    reasoning: metadata?.reasoning ?? false,
    embeddings: kind === 'embedding',
  };
  return { capabilities, modalities: { input: kind === 'speech' ? ['text', 'audio'] : input, output: outputOf(kind) } };
}

function outputOf(kind: ModelKind): Modality[] {
  switch (kind) {
    case 'embedding':
      return ['embedding'];
    case 'speech':
      return ['text', 'audio'];
    case 'image':
      return ['image'];
    case 'video':
      return ['video'];
    case 'chat':
    case 'completion':
    case 'moderation':
    case 'rerank':
    case 'agent':
      return ['text'];
  }
}
