/** How a provider speaks on the wire; it says which adapter translates for it. */
export type Dialect = 'openai' | 'anthropic' | 'bedrock';

/** In which of its dialects a client can ask for an answer. */
export type SurfaceName = 'chat' | 'messages' | 'responses' | 'embeddings';

/** What a provider serves itself, so that bytes pass through: a surface, or an endpoint that is never translated. */
export type Endpoint = SurfaceName | 'images' | 'audio' | 'moderations';
export const endpoints = [
  'chat',
  'messages',
  'responses',
  'embeddings',
  'images',
  'audio',
  'moderations',
] as const satisfies readonly Endpoint[];

/** What is the same for every installation of a kind of provider. Facts from each provider's API reference. */
export interface ProviderDefinition {
  dialect: Dialect;
  /** Endpoints whose bytes pass through; to a surface that is not among them requests are translated. */
  passes: readonly Endpoint[];
  /** Base URL up to and including the version segment, without a slash at the end; null where only the user knows it. */
  defaultBaseUrl: string | null;
  /** Environment variables that hold the key, the first that is set counts. */
  apiKeyVariables: readonly string[];
  /** Environment variable that overrides the base URL. */
  baseUrlVariable: string | null;
  /** False for servers on one's own machine that ask for none. */
  needsApiKey: boolean;
  /** The provider's id in the price list; null where none is kept. */
  priceListId: string | null;
}

const chatAndEmbeddings = ['chat', 'embeddings'] as const satisfies readonly Endpoint[];

export const providerDefinitions = {
  openai: {
    dialect: 'openai',
    passes: ['chat', 'responses', 'embeddings', 'images', 'audio', 'moderations'],
    defaultBaseUrl: 'https://api.openai.com/v1',
    apiKeyVariables: ['OPENAI_API_KEY'],
    baseUrlVariable: 'OPENAI_BASE_URL',
    needsApiKey: true,
    priceListId: 'openai',
  },
  anthropic: {
    dialect: 'anthropic',
    passes: ['messages'],
    defaultBaseUrl: 'https://api.anthropic.com/v1',
    apiKeyVariables: ['ANTHROPIC_API_KEY'],
    baseUrlVariable: 'ANTHROPIC_BASE_URL',
    needsApiKey: true,
    priceListId: 'anthropic',
  },
  huggingface: {
    dialect: 'openai',
    passes: chatAndEmbeddings,
    defaultBaseUrl: 'https://router.huggingface.co/v1',
    apiKeyVariables: ['HF_TOKEN'],
    baseUrlVariable: 'HF_BASE_URL',
    needsApiKey: true,
    priceListId: null,
  },
  ollama: {
    dialect: 'openai',
    passes: chatAndEmbeddings,
    defaultBaseUrl: null,
    apiKeyVariables: [],
    baseUrlVariable: 'OLLAMA_HOST',
    needsApiKey: false,
    priceListId: null,
  },
  gemini: {
    dialect: 'openai',
    passes: chatAndEmbeddings,
    defaultBaseUrl: 'https://generativelanguage.googleapis.com/v1beta/openai',
    apiKeyVariables: ['GEMINI_API_KEY'],
    baseUrlVariable: 'GEMINI_BASE_URL',
    needsApiKey: true,
    priceListId: 'google',
  },
  groq: {
    dialect: 'openai',
    passes: ['chat', 'audio'],
    defaultBaseUrl: 'https://api.groq.com/openai/v1',
    apiKeyVariables: ['GROQ_API_KEY'],
    baseUrlVariable: 'GROQ_BASE_URL',
    needsApiKey: true,
    priceListId: 'groq',
  },
  mistral: {
    dialect: 'openai',
    passes: ['chat', 'embeddings', 'moderations'],
    defaultBaseUrl: 'https://api.mistral.ai/v1',
    apiKeyVariables: ['MISTRAL_API_KEY'],
    baseUrlVariable: 'MISTRAL_BASE_URL',
    needsApiKey: true,
    priceListId: 'mistral',
  },
  deepseek: {
    dialect: 'openai',
    passes: ['chat'],
    defaultBaseUrl: 'https://api.deepseek.com/v1',
    apiKeyVariables: ['DEEPSEEK_API_KEY'],
    baseUrlVariable: 'DEEPSEEK_BASE_URL',
    needsApiKey: true,
    priceListId: 'deepseek',
  },
  together: {
    dialect: 'openai',
    passes: ['chat', 'embeddings', 'images'],
    defaultBaseUrl: 'https://api.together.xyz/v1',
    apiKeyVariables: ['TOGETHER_API_KEY'],
    baseUrlVariable: 'TOGETHER_BASE_URL',
    needsApiKey: true,
    priceListId: 'together',
  },
  openrouter: {
    dialect: 'openai',
    passes: chatAndEmbeddings,
    defaultBaseUrl: 'https://openrouter.ai/api/v1',
    apiKeyVariables: ['OPENROUTER_API_KEY'],
    baseUrlVariable: 'OPENROUTER_BASE_URL',
    needsApiKey: true,
    priceListId: 'openrouter',
  },
  xai: {
    dialect: 'openai',
    passes: ['chat', 'responses', 'images'],
    defaultBaseUrl: 'https://api.x.ai/v1',
    apiKeyVariables: ['XAI_API_KEY'],
    baseUrlVariable: 'XAI_BASE_URL',
    needsApiKey: true,
    priceListId: 'x-ai',
  },
  azure: {
    dialect: 'openai',
    passes: ['chat', 'responses', 'embeddings', 'images', 'audio'],
    // The address of the resource; its OpenAI-compatible API of version 1 lies below it.
    defaultBaseUrl: null,
    apiKeyVariables: ['AZURE_OPENAI_API_KEY', 'AZURE_API_KEY'],
    baseUrlVariable: 'AZURE_OPENAI_ENDPOINT',
    needsApiKey: true,
    priceListId: 'azure',
  },
  bedrock: {
    dialect: 'bedrock',
    passes: [],
    defaultBaseUrl: 'https://bedrock-runtime.us-east-1.amazonaws.com',
    apiKeyVariables: ['AWS_BEARER_TOKEN_BEDROCK'],
    baseUrlVariable: 'BEDROCK_BASE_URL',
    needsApiKey: true,
    priceListId: 'aws',
  },
  'openai-compatible': {
    dialect: 'openai',
    passes: chatAndEmbeddings,
    defaultBaseUrl: null,
    apiKeyVariables: [],
    baseUrlVariable: null,
    needsApiKey: false,
    priceListId: null,
  },
} as const satisfies Record<string, ProviderDefinition>;

export type ProviderKind = keyof typeof providerDefinitions;
export const providerKinds = Object.keys(providerDefinitions) as [ProviderKind, ...ProviderKind[]];

/** One configured provider: everything that is needed to call it. `baseUrl` has no slash at the end. */
export interface Provider {
  name: string;
  kind: ProviderKind;
  dialect: Dialect;
  baseUrl: string;
  passes: readonly Endpoint[];
  /** The first of `apiKeys`. */
  apiKey: string | null;
  /** Keys that are used in turn; empty where none is needed. */
  apiKeys: readonly string[];
  priceListId: string | null;
  /** Offered in addition to what the provider's list endpoint returns. */
  models: readonly string[];
  simulated: boolean;
}

/** The headers by which a provider knows one of its keys. */
export function authHeaders(provider: Provider, apiKey: string | null = provider.apiKey): Record<string, string> {
  if (provider.dialect === 'anthropic') {
    return { 'anthropic-version': '2023-06-01', ...(apiKey === null ? {} : { 'x-api-key': apiKey }) };
  }
  if (apiKey === null) return {};
  return provider.kind === 'azure' ? { 'api-key': apiKey } : { authorization: `Bearer ${apiKey}` };
}
