import { type ProviderDefinition, providerDefinitions } from '../providers/definitions.ts';
import { configFromEnvironment, type Environment, variableOf } from './environment.ts';
import type { ConfigReading, LoadOptions } from './load.ts';
import { isRecord, valueAt } from './record.ts';
import { withSecretFiles } from './secret-files.ts';

/** Where the value of a setting comes from. */
export type Origin =
  | { kind: 'default' }
  | { kind: 'file'; line: number | null; variables: readonly string[] }
  | { kind: 'environment'; variables: readonly string[] }
  | { kind: 'command line' };

/** Of each setting of a configuration that was read, by its path as `flattenConfig` has it. */
export function originsOf(
  { yaml }: ConfigReading,
  { env: given = process.env, flags = {} }: LoadOptions,
): (path: string) => Origin {
  const { env } = withSecretFiles(given);
  const fromEnvironment = configFromEnvironment(env);
  return (path) => {
    const keys = path.split('.');
    if (keys[0] === 'providers' && keys.length > 1) return originOfProvider(keys, yaml, env);
    if (valueAt(flags, keys) !== undefined) return { kind: 'command line' };
    const variable = valueAt(fromEnvironment, keys) === undefined ? null : variableOf(keys);
    if (variable !== null) return { kind: 'environment', variables: [variable] };
    if (valueAt(yaml.values, keys) === undefined) return { kind: 'default' };
    return { kind: 'file', line: yaml.lineOf(keys), variables: [] };
  };
}

/** `keys` are `providers`, a name, which may hold dots, and a setting. */
function originOfProvider(keys: readonly string[], yaml: ConfigReading['yaml'], env: Environment): Origin {
  const name = keys.slice(1, -1).join('.');
  const setting = keys.at(-1) ?? '';
  const entries = Array.isArray(yaml.values['providers']) ? (yaml.values['providers'] as unknown[]) : [];
  const index = entries.findIndex((entry) => isRecord(entry) && entry['name'] === name);
  const entry = entries[index];
  if (isRecord(entry)) {
    const key = setting === 'api_keys' ? ['api_key_env', 'api_key'].find((each) => each in entry) : setting;
    if (key !== undefined && key in entry) {
      const variables = setting === 'api_keys' ? [entry['api_key_env'] ?? []].flat().map(String) : [];
      return { kind: 'file', line: yaml.lineOf(['providers', index, key]), variables };
    }
  }
  const kind = isRecord(entry) ? entry['kind'] : name;
  if (typeof kind !== 'string' || !(kind in providerDefinitions)) return { kind: 'default' };
  const { apiKeyVariables, baseUrlVariable }: ProviderDefinition =
    providerDefinitions[kind as keyof typeof providerDefinitions];
  const candidates = { api_keys: apiKeyVariables, base_url: [baseUrlVariable ?? []].flat() }[setting] ?? [];
  const variable = candidates.find((each) => env[each] !== undefined && env[each] !== '');
  return variable === undefined ? { kind: 'default' } : { kind: 'environment', variables: [variable] };
}
