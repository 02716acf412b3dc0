import { MODEL_CONFIGS, ModelProvider } from 'llm-zoo';
import { withoutDate, withoutMaker } from '../../platform/providers/model-id.ts';

type ModelConfig = (typeof MODEL_CONFIGS)[string];

/** What is known of a model apart from its price. */
export interface ModelMetadata {
  /** Who made it, whoever serves it. */
  maker: string;
  label: string;
  contextWindow: number;
  maxOutputTokens: number;
  tools: boolean;
  vision: boolean;
  audio: boolean;
  documents: boolean;
  reasoning: boolean;
  /** Its maker has a newer one in its place, or has retired it. */
  superseded: boolean;
}

export interface MetadataMatch {
  metadata: ModelMetadata;
  /** `family`: known is only a model with whose id this one begins, so that what depends on the version is a guess. */
  by: 'id' | 'family';
}

const index = buildIndex();
const longestFirst = [...index.keys()].sort((a, b) => b.length - a.length);

/** Looks for the id, then for the id without its date, then for the longest known id with which it begins. */
export function findMetadata(modelId: string): MetadataMatch | undefined {
  const forms = formsOf(modelId);
  for (const form of [...forms, ...forms.map(withoutDate)]) {
    const metadata = index.get(form);
    if (metadata !== undefined) return { metadata, by: 'id' };
  }
  for (const form of forms) {
    const known = longestFirst.find((id) => form.startsWith(id) && /[-:@]/.test(form.charAt(id.length)));
    const metadata = known === undefined ? undefined : index.get(known);
    if (metadata !== undefined) return { metadata, by: 'family' };
  }
  return undefined;
}

/** As listed; without the maker; without OpenRouter's `:variant`; with dashes in versions, as Anthropic writes them. */
function formsOf(modelId: string): string[] {
  const id = modelId.toLowerCase();
  const bare = withoutMaker(id);
  const plain = bare.replace(/:[a-z]+$/, '');
  return [...new Set([id, bare, plain, plain.replaceAll('.', '-')])];
}

function buildIndex(): Map<string, ModelMetadata> {
  const groups = new Map<string, ModelConfig[]>();
  for (const config of Object.values(MODEL_CONFIGS)) {
    if (config.provider === ModelProvider.COPILOT) continue;
    const ids = new Set([config.fullName, config.shortName].map((id) => id.toLowerCase()));
    for (const id of ids) groups.set(id, [...(groups.get(id) ?? []), config]);
  }
  return new Map([...groups].flatMap(([id, configs]) => (configs[0] === undefined ? [] : [[id, combine(configs)]])));
}

/**
 * One model may have several entries, such as with and without thinking, or as a dearer tier: it can do what any of
 * them can, and is superseded when all its plain entries are.
 */
function combine(configs: readonly ModelConfig[]): ModelMetadata {
  const plain = configs.filter(
    (config) => config.capabilities.reasoningMode === undefined && config.serviceTier === undefined,
  );
  const entries = plain.length === 0 ? configs : plain;
  const first = entries[0] as ModelConfig;
  const any = (has: (capabilities: ModelConfig['capabilities']) => boolean) =>
    configs.some((config) => has(config.capabilities));
  return {
    maker: first.provider,
    label: first.label,
    contextWindow: first.contextWindow,
    maxOutputTokens: first.maxOutputTokens,
    tools: any((capabilities) => capabilities.supportsFunctionCalling),
    vision: any((capabilities) => capabilities.supportsVision),
    audio: any((capabilities) => capabilities.supportsNativeAudio),
    documents: any((capabilities) => capabilities.supportsNativePdf),
    reasoning: any((capabilities) => capabilities.supportsReasoning),
    superseded: entries.every((config) => (config.deprecated ?? false) || (config.retired ?? false)),
  };
}
