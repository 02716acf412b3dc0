/** How a provider speaks on the wire. Same dialect as the client's: bytes pass through; other: translated. */
export type Dialect = 'openai' | 'anthropic';

/** What is the same for every installation of a kind of provider. Facts from each provider's API reference. */
export interface ProviderDefinition {
  dialect: Dialect;
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

export const providerDefinitions = {
  openai: {
    dialect: 'openai',
    defaultBaseUrl: 'https://api.openai.com/v1',
    apiKeyVariables: ['OPENAI_API_KEY'],
    baseUrlVariable: 'OPENAI_BASE_URL',
    needsApiKey: true,
    priceListId: 'openai',
  },
  anthropic: {
    dialect: 'anthropic',
    defaultBaseUrl: 'https://api.anthropic.com/v1',
    apiKeyVariables: ['ANTHROPIC_API_KEY'],
    baseUrlVariable: 'ANTHROPIC_BASE_URL',
    needsApiKey: true,
    priceListId: 'anthropic',
  },
  huggingface: {
    dialect: 'openai',
    defaultBaseUrl: 'https://router.huggingface.co/v1',
    apiKeyVariables: ['HF_TOKEN'],
    baseUrlVariable: 'HF_BASE_URL',
    needsApiKey: true,
    priceListId: null,
  },
  ollama: {
    dialect: 'openai',
    defaultBaseUrl: null,
    apiKeyVariables: [],
    baseUrlVariable: 'OLLAMA_HOST',
    needsApiKey: false,
    priceListId: null,
  },
  gemini: {
    dialect: 'openai',
    defaultBaseUrl: 'https://generativelanguage.googleapis.com/v1beta/openai',
    apiKeyVariables: ['GEMINI_API_KEY'],
    baseUrlVariable: 'GEMINI_BASE_URL',
    needsApiKey: true,
    priceListId: 'google',
  },
  groq: {
    dialect: 'openai',
    defaultBaseUrl: 'https://api.groq.com/openai/v1',
    apiKeyVariables: ['GROQ_API_KEY'],
    baseUrlVariable: 'GROQ_BASE_URL',
    needsApiKey: true,
    priceListId: 'groq',
  },
  mistral: {
    dialect: 'openai',
    defaultBaseUrl: 'https://api.mistral.ai/v1',
    apiKeyVariables: ['MISTRAL_API_KEY'],
    baseUrlVariable: 'MISTRAL_BASE_URL',
    needsApiKey: true,
    priceListId: 'mistral',
  },
  deepseek: {
    dialect: 'openai',
    defaultBaseUrl: 'https://api.deepseek.com/v1',
    apiKeyVariables: ['DEEPSEEK_API_KEY'],
    baseUrlVariable: 'DEEPSEEK_BASE_URL',
    needsApiKey: true,
    priceListId: 'deepseek',
  },
  together: {
    dialect: 'openai',
    defaultBaseUrl: 'https://api.together.xyz/v1',
    apiKeyVariables: ['TOGETHER_API_KEY'],
    baseUrlVariable: 'TOGETHER_BASE_URL',
    needsApiKey: true,
    priceListId: 'together',
  },
  openrouter: {
    dialect: 'openai',
    defaultBaseUrl: 'https://openrouter.ai/api/v1',
    apiKeyVariables: ['OPENROUTER_API_KEY'],
    baseUrlVariable: 'OPENROUTER_BASE_URL',
    needsApiKey: true,
    priceListId: 'openrouter',
  },
  xai: {
    dialect: 'openai',
    defaultBaseUrl: 'https://api.x.ai/v1',
    apiKeyVariables: ['XAI_API_KEY'],
    baseUrlVariable: 'XAI_BASE_URL',
    needsApiKey: true,
    priceListId: 'x-ai',
  },
  'openai-compatible': {
    dialect: 'openai',
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
  apiKey: string | null;
  priceListId: string | null;
  /** Offered in addition to what the provider's list endpoint returns. */
  models: readonly string[];
  simulated: boolean;
}

/** The headers that a request to this provider needs. */
export function authHeaders(provider: Provider): Record<string, string> {
  if (provider.dialect === 'anthropic') {
    return { 'anthropic-version': '2023-06-01', ...(provider.apiKey === null ? {} : { 'x-api-key': provider.apiKey }) };
  }
  return provider.apiKey === null ? {} : { authorization: `Bearer ${provider.apiKey}` };
}
