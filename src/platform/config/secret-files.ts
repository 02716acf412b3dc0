import { readFileSync } from 'node:fs';
import { messageOf, StartupError } from '../core/errors.ts';
import { type ProviderDefinition, providerDefinitions } from '../providers/definitions.ts';
import type { Environment } from './environment.ts';

/** Variables that hold a secret: `NAME_FILE` names a file that holds it instead. */
export const secretVariables: readonly string[] = [
  'DATABASE_URL',
  'SIGNALBOX_MASTER_KEY',
  'SIGNALBOX_READ_KEY',
  ...Object.values(providerDefinitions).flatMap((definition: ProviderDefinition) => definition.apiKeyVariables),
];

/**
 * The environment with the secrets filled in whose files it names, without white space around them.
 *
 * @throws StartupError where a variable and its file are both set, or a file cannot be read or is empty; no secret in it.
 */
export function withSecretFiles(env: Environment): Environment {
  const secrets: Record<string, string> = {};
  for (const name of secretVariables) {
    const file = env[`${name}_FILE`];
    if (file === undefined || file === '') continue;
    if ((env[name] ?? '') !== '') throw new StartupError(`${name} and ${name}_FILE are both set: one is enough`);
    secrets[name] = readSecret(`${name}_FILE`, file);
  }
  return { ...env, ...secrets };
}

function readSecret(variable: string, file: string): string {
  let secret: string;
  try {
    secret = readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new StartupError(`${variable}: ${messageOf(error)}`, { cause: error });
  }
  if (secret === '') throw new StartupError(`${variable}: ${file} is empty`);
  return secret;
}
