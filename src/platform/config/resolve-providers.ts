import { type Provider, type ProviderDefinition, providerDefinitions } from '../providers/definitions.ts';
import { type Environment, providersFromEnvironment } from './environment.ts';
import type { ProviderConfig } from './provider-schema.ts';

export interface ResolvedProviders {
  providers: Provider[];
  problems: Array<{ path: readonly PropertyKey[]; message: string }>;
}

/** The file's providers with their keys filled in, then those that only the environment speaks of. */
export function resolveProviders(configured: readonly ProviderConfig[], env: Environment): ResolvedProviders {
  const fromEnvironment = providersFromEnvironment(env);
  const problems: ResolvedProviders['problems'] = [];

  const providers = configured.flatMap((entry, index): Provider[] => {
    const refuse = (setting: string, what: string): undefined => {
      problems.push({ path: ['providers', index, setting], message: `provider ${entry.name}: ${what}` });
    };
    const definition: ProviderDefinition = providerDefinitions[entry.kind];
    const environment = fromEnvironment.find((candidate) => candidate.kind === entry.kind);
    const named = [entry.api_key_env ?? []].flat().flatMap((variable) => {
      const key = env[variable];
      if (key !== undefined && key !== '') return [key];
      refuse('api_key_env', `${namedVariable(variable)} is not set`);
      return [];
    });
    const ownKeys = [...[entry.api_key ?? []].flat(), ...named];
    const apiKeys = ownKeys.length > 0 ? ownKeys : [environment?.apiKey ?? []].flat();
    if (definition.needsApiKey && apiKeys.length === 0 && entry.api_key_env === undefined) {
      refuse('api_key_env', `no key; set api_key_env or ${definition.apiKeyVariables.join(' or ')}`);
    }
    const usual = environment?.baseUrl ?? defaultBaseUrlOf(entry.kind, env);
    const ofVariable = entry.base_url_env === undefined ? usual : env[entry.base_url_env] || null;
    const address = entry.base_url ?? ofVariable;
    if (configured.findIndex(({ name }) => name === entry.name) !== index) refuse('name', 'is configured twice');
    const baseUrl = address === null ? null : normaliseBaseUrl(entry.kind, address);
    if (address === null && entry.base_url_env === undefined) refuse('name', 'base_url is missing');
    else if (address === null) refuse('base_url_env', `${namedVariable(entry.base_url_env ?? '')} is not set`);
    else if (baseUrl === null) refuse('base_url', 'is not an http(s) address');
    if (baseUrl === null) return [];
    const { name, kind, models, passes } = entry;
    return [{ ...makeProvider(name, kind, baseUrl, apiKeys, models), ...(passes === undefined ? {} : { passes }) }];
  });

  for (const { kind, apiKey, baseUrl: ownBaseUrl } of fromEnvironment) {
    const address = ownBaseUrl ?? defaultBaseUrlOf(kind, env);
    if (address === null || configured.some((entry) => entry.kind === kind)) continue;
    const baseUrl = normaliseBaseUrl(kind, address);
    if (baseUrl !== null) providers.push(makeProvider(kind, kind, baseUrl, [apiKey ?? []].flat(), []));
    else {
      const variable = providerDefinitions[kind].baseUrlVariable ?? 'its address';
      problems.push({ path: ['providers'], message: `provider ${kind}: ${variable} is not an http(s) address` });
    }
  }
  return { providers, problems };
}

/** Whoever writes the key where its variable should be named must not find it in a log. */
function namedVariable(name: string): string {
  return /^[A-Z_][A-Z0-9_]*$/.test(name)
    ? `environment variable ${name}`
    : 'the environment variable that is named here';
}

/** Providers to use when none is configured: the simulator, in both dialects, under names that say so. */
export function simulatedProviders(simulatorBaseUrl: string): Provider[] {
  return (['openai', 'anthropic'] as const).map((kind) => ({
    ...makeProvider(`sim-${kind}`, kind, `${simulatorBaseUrl}/v1`, ['simulated'], []),
    simulated: true,
  }));
}

function makeProvider(
  name: string,
  kind: Provider['kind'],
  baseUrl: string,
  apiKeys: readonly string[],
  models: readonly string[],
): Provider {
  const { dialect, passes, priceListId }: ProviderDefinition = providerDefinitions[kind];
  return {
    name,
    kind,
    dialect,
    baseUrl,
    passes,
    apiKey: apiKeys[0] ?? null,
    apiKeys,
    priceListId,
    models,
    simulated: false,
  };
}

/** Bedrock's servers are those of a region. */
function defaultBaseUrlOf(kind: Provider['kind'], env: Environment): string | null {
  const region = [env['AWS_REGION'], env['AWS_DEFAULT_REGION']].find((name) => name !== undefined && name !== '');
  const { defaultBaseUrl }: ProviderDefinition = providerDefinitions[kind];
  if (kind !== 'bedrock' || region === undefined) return defaultBaseUrl;
  return `https://bedrock-runtime.${region}.amazonaws.com`;
}

/**
 * Adds what users leave out: the scheme of `OLLAMA_HOST`, the `/v1` of Ollama and Anthropic addresses, the path of
 * Azure's OpenAI-compatible API. Null for what is no address.
 */
function normaliseBaseUrl(kind: Provider['kind'], text: string): string | null {
  const withScheme = kind === 'ollama' && !/^https?:\/\//.test(text) ? `http://${text}` : text;
  if (!URL.canParse(withScheme) || !/^https?:\/\//.test(withScheme)) return null;
  const trimmed = withScheme.replace(/\/+$/, '');
  if (kind === 'azure')
    return trimmed.endsWith('/openai/v1') ? trimmed : `${trimmed.replace(/\/openai$/, '')}/openai/v1`;
  // The SDKs of both take the address without the version segment.
  const needsVersion = (kind === 'ollama' || kind === 'anthropic') && !/\/v\d\w*$/.test(trimmed);
  return needsVersion ? `${trimmed}/v1` : trimmed;
}
