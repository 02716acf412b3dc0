import {
  type ProviderDefinition,
  type ProviderKind,
  providerDefinitions,
} from '../../platform/providers/definitions.ts';

/** A LiteLLM provider in our words. */
export interface KnownProvider {
  kind: ProviderKind;
  /** Where the kind alone does not say it; null: the deployment must. */
  baseUrl: string | null;
  /** The variable that LiteLLM reads its key from where the file names none, if we would read another. */
  keyVariable: string | null;
}

const compatible = (baseUrl: string | null, keyVariable: string | null): KnownProvider => ({
  kind: 'openai-compatible',
  baseUrl,
  keyVariable,
});
const ofKind = (kind: ProviderKind, keyVariable: string | null = null): KnownProvider => ({
  kind,
  baseUrl: null,
  keyVariable,
});

const ollama: KnownProvider = { kind: 'ollama', baseUrl: 'http://localhost:11434', keyVariable: null };

/** By LiteLLM's prefix of a model. Addresses and variables from LiteLLM's documentation of each provider. */
const knownProviders: Readonly<Record<string, KnownProvider>> = {
  openai: ofKind('openai'),
  anthropic: ofKind('anthropic'),
  azure: ofKind('azure', 'AZURE_API_KEY'),
  bedrock: ofKind('bedrock'),
  gemini: ofKind('gemini'),
  groq: ofKind('groq'),
  mistral: ofKind('mistral'),
  deepseek: ofKind('deepseek'),
  together_ai: ofKind('together', 'TOGETHERAI_API_KEY'),
  openrouter: ofKind('openrouter'),
  xai: ofKind('xai'),
  huggingface: ofKind('huggingface', 'HUGGINGFACE_API_KEY'),
  ollama,
  ollama_chat: ollama,
  hosted_vllm: compatible(null, 'HOSTED_VLLM_API_KEY'),
  vllm: compatible(null, null),
  lm_studio: compatible(null, 'LM_STUDIO_API_KEY'),
  xinference: compatible(null, 'XINFERENCE_API_KEY'),
  openai_like: compatible(null, null),
  custom_openai: compatible(null, null),
  litellm_proxy: compatible(null, 'LITELLM_PROXY_API_KEY'),
  llamafile: compatible(null, null),
  perplexity: compatible('https://api.perplexity.ai', 'PERPLEXITYAI_API_KEY'),
  fireworks_ai: compatible('https://api.fireworks.ai/inference/v1', 'FIREWORKS_AI_API_KEY'),
  nvidia_nim: compatible('https://integrate.api.nvidia.com/v1', 'NVIDIA_NIM_API_KEY'),
  cerebras: compatible('https://api.cerebras.ai/v1', 'CEREBRAS_API_KEY'),
  deepinfra: compatible('https://api.deepinfra.com/v1/openai', 'DEEPINFRA_API_KEY'),
  sambanova: compatible('https://api.sambanova.ai/v1', 'SAMBANOVA_API_KEY'),
  moonshot: compatible('https://api.moonshot.ai/v1', 'MOONSHOT_API_KEY'),
  dashscope: compatible('https://dashscope-intl.aliyuncs.com/compatible-mode/v1', 'DASHSCOPE_API_KEY'),
};

/** Models that LiteLLM knows without a prefix, by how their names begin. */
const unprefixed: ReadonlyArray<readonly [RegExp, string]> = [
  [/^(gpt-|chatgpt-|o\d|text-embedding-|dall-e|tts-|whisper|omni-moderation|text-moderation|ft:)/, 'openai'],
  [/^claude/, 'anthropic'],
];

export interface ParsedModel {
  /** LiteLLM's name of the provider. */
  prefix: string;
  /** Null where we have none of its kind. */
  provider: KnownProvider | null;
  modelId: string;
}

/** Takes apart what LiteLLM calls a model. Null where it does not say whose it is. */
export function parseModel(model: string, customProvider: string | null): ParsedModel | null {
  const slash = model.indexOf('/');
  const written = slash === -1 ? null : model.slice(0, slash);
  if (customProvider !== null && written !== customProvider) {
    return { prefix: customProvider, provider: providerOf(customProvider), modelId: model };
  }
  if (written !== null) {
    // Bedrock's models have parts that say how they are called: bedrock/converse/anthropic.claude….
    const modelId = model
      .slice(slash + 1)
      .replace(written === 'bedrock' ? /^(converse|invoke)\// : /^(responses|chat)\//, '');
    return { prefix: written, provider: providerOf(written), modelId };
  }
  const guessed = unprefixed.find(([pattern]) => pattern.test(model))?.[1];
  return guessed === undefined ? null : { prefix: guessed, provider: providerOf(guessed), modelId: model };
}

function providerOf(prefix: string): KnownProvider | null {
  return Object.hasOwn(knownProviders, prefix) ? (knownProviders[prefix] ?? null) : null;
}

/** Where we look for the key by ourselves, first; null: nowhere. */
export function ownKeyVariable(kind: ProviderKind): string | null {
  const { apiKeyVariables }: ProviderDefinition = providerDefinitions[kind];
  return apiKeyVariables[0] ?? null;
}
