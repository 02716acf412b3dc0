import { isDeepStrictEqual } from 'node:util';
import type { Deployment, Text } from './deployments.ts';
import { ownKeyVariable } from './providers.ts';

/** An entry of `providers` as the configuration file has it. */
export interface ProviderEntry {
  name: string;
  kind: string;
  base_url?: string;
  base_url_env?: string;
  api_key?: string | string[];
  api_key_env?: string | string[];
  models?: string[];
}

/** Deployments that one provider serves. */
interface Group {
  first: Deployment;
  apiKeys: Text[];
  deployments: Deployment[];
}

export interface Placed {
  providers: ProviderEntry[];
  /** The provider of each deployment. */
  providerOf: ReadonlyMap<Deployment, string>;
}

/**
 * The providers that serve these deployments. Deployments of one name that are the same but for their key are one provider
 * with several keys, as requests are spread over them; else keys stay apart.
 */
export function placeDeployments(deployments: readonly Deployment[]): Placed {
  const groups: Group[] = [];
  for (const deployment of deployments) {
    const apiKeys = keysOf(deployment, deployments);
    const group = groups.find(
      ({ first, apiKeys: known }) => isSamePlace(first, deployment) && isDeepStrictEqual(known, apiKeys),
    );
    if (group === undefined) groups.push({ first: deployment, apiKeys, deployments: [deployment] });
    else group.deployments.push(deployment);
  }
  const taken = new Set<string>();
  const providerOf = new Map<Deployment, string>();
  const providers = groups.map((group): ProviderEntry => {
    const name = freeName(nameOf(group.first), taken);
    for (const deployment of group.deployments) providerOf.set(deployment, name);
    return toEntry(name, group);
  });
  return { providers, providerOf };
}

function isSamePlace(a: Deployment, b: Deployment): boolean {
  return a.kind === b.kind && isDeepStrictEqual(a.baseUrl, b.baseUrl);
}

/** Its key, and those of its twins. */
function keysOf(deployment: Deployment, all: readonly Deployment[]): Text[] {
  const twins = all.filter(
    (other) => other.name === deployment.name && other.modelId === deployment.modelId && isSamePlace(other, deployment),
  );
  // An entry with a key of its own is not looked up in the usual variable any more: that one has to be named too.
  const isNamed = twins.some(({ apiKey }) => apiKey !== null);
  const usual = ownKeyVariable(deployment.kind);
  const keys: Text[] = [];
  for (const { apiKey } of twins) {
    const key = apiKey ?? (isNamed && usual !== null ? { variable: usual } : null);
    if (key !== null && !keys.some((known) => isDeepStrictEqual(known, key))) keys.push(key);
  }
  return keys;
}

/** Servers of one's own are called after their host, all others as LiteLLM calls their provider: clients name it so. */
function nameOf({ kind, parsed, baseUrl }: Deployment): string {
  const isOwn = kind === 'openai-compatible' && parsed.provider?.baseUrl === null;
  if (!isOwn) return parsed.prefix;
  const text = baseUrl !== null && 'text' in baseUrl && URL.canParse(baseUrl.text) ? new URL(baseUrl.text).host : '';
  const host = text.toLowerCase().replaceAll(/[^a-z0-9.-]+/g, '-');
  return /^[a-z0-9]/.test(host) ? host.slice(0, 60) : 'own-server';
}

function freeName(wanted: string, taken: Set<string>): string {
  let name = wanted;
  for (let number = 2; taken.has(name); number += 1) name = `${wanted}-${number}`;
  taken.add(name);
  return name;
}

function toEntry(name: string, { first: { kind, baseUrl }, apiKeys, deployments }: Group): ProviderEntry {
  const variables = apiKeys.flatMap((key) => ('variable' in key ? [key.variable] : []));
  const texts = apiKeys.flatMap((key) => ('text' in key ? [key.text] : []));
  const models = isListed(kind) ? [] : [...new Set(deployments.flatMap(({ modelId }) => modelId ?? []))];
  return {
    name,
    kind,
    ...(baseUrl === null ? {} : 'text' in baseUrl ? { base_url: baseUrl.text } : { base_url_env: baseUrl.variable }),
    ...(texts.length === 0 ? {} : { api_key: oneOrAll(texts) }),
    ...(variables.length === 0 ? {} : { api_key_env: oneOrAll(variables) }),
    ...(models.length === 0 ? {} : { models }),
  };
}

/** Whether the provider's own list has all that it can be asked for. One that is asked for by name is called anyway. */
function isListed(kind: Deployment['kind']): boolean {
  return kind !== 'azure' && kind !== 'bedrock' && kind !== 'openai-compatible';
}

function oneOrAll(texts: string[]): string | string[] {
  const [only, ...others] = texts;
  return only === undefined || others.length > 0 ? texts : only;
}
