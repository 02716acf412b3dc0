import { createHash } from 'node:crypto';
import type { Config } from './load.ts';
import { isRecord, valueAt, withValueAt } from './record.ts';
import { settings } from './settings.ts';

/** A configuration in the shape of the file, with every secret replaced. */
export type ShownConfig = Record<string, unknown>;

/** What a secret is shown as: that it is another one can be seen, and nothing else. */
export function fingerprint(secret: string): string {
  return `[secret ${createHash('sha256').update(secret).digest('hex').slice(0, 6)}]`;
}

/** The configuration as it may be shown to whoever may read, providers as they are called. */
export function showConfig(config: Config): ShownConfig {
  const shown: ShownConfig = {
    ...withValueAt(config, ['config_file'], undefined),
    providers: config.providers.map(({ name, kind, baseUrl, apiKeys, passes, models }) => ({
      name,
      kind,
      base_url: baseUrl,
      api_keys: apiKeys.map(fingerprint),
      passes,
      models,
    })),
  };
  const secretPaths = settings()
    .filter(({ isSecret, path }) => isSecret && !path.includes('[]'))
    .map(({ path }) => path);
  const hidden = secretPaths.reduce((result, path) => hide(result, path.split('.')), shown);
  return withoutPasswords(hidden) as ShownConfig;
}

function hide(shown: ShownConfig, path: readonly string[]): ShownConfig {
  const secret = valueAt(shown, path);
  const hidden = Array.isArray(secret) ? secret.map((each) => fingerprint(String(each))) : fingerprint(String(secret));
  return secret === undefined ? shown : withValueAt(shown, path, hidden);
}

const userPassword = /:\/\/([^:/@]*):.*@/;
const secretParameter = /([?&][^=&#]*(?:pass|secret|token|key)[^=&#]*=)[^&#]*/gi;

/** The same with all addresses without the passwords that they may hold, before the host or as a parameter. */
function withoutPasswords(value: unknown): unknown {
  if (typeof value === 'string') {
    return value.includes('://')
      ? value.replace(userPassword, '://$1:***@').replaceAll(secretParameter, '$1***')
      : value;
  }
  if (Array.isArray(value)) return value.map(withoutPasswords);
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, withoutPasswords(child)]));
}

/** Every setting by its path, its value as JSON; providers by their name: `providers.openai.base_url`. */
export function flattenConfig(shown: ShownConfig): Map<string, string> {
  const flat = new Map<string, string>();
  function add(path: string, value: unknown): void {
    if (Array.isArray(value) && value.some((item) => isRecord(item) && typeof item['name'] === 'string')) {
      for (const item of value as Array<Record<string, unknown>>) {
        const { name, ...rest } = item;
        add(`${path}.${String(name)}`, rest);
      }
    } else if (isRecord(value)) {
      for (const [key, child] of Object.entries(value)) add(path === '' ? key : `${path}.${key}`, child);
    } else if (value !== undefined && !(path === 'providers' && Array.isArray(value)))
      flat.set(path, JSON.stringify(value));
  }
  add('', shown);
  return flat;
}
