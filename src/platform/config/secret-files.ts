import { readFileSync } from 'node:fs';
import { messageOf } from '../core/errors.ts';
import { type ProviderDefinition, providerDefinitions } from '../providers/definitions.ts';
import type { Environment } from './environment.ts';
import type { ConfigProblem } from './problem.ts';

/** Variables that hold a secret: `NAME_FILE` names a file that holds it instead. */
export const secretVariables: readonly string[] = [
  'DATABASE_URL',
  'DATABASE_DIRECT_URL',
  'SIGNALBOX_MASTER_KEY',
  'SIGNALBOX_READ_KEY',
  ...Object.values(providerDefinitions).flatMap((definition: ProviderDefinition) => definition.apiKeyVariables),
];

/**
 * The environment with the secrets filled in whose files it names, without white space around them. What is wrong, never a
 * secret, is in `problems`: a variable and its file are both set, or a file cannot be read or is empty.
 */
export function withSecretFiles(env: Environment): { env: Environment; problems: readonly ConfigProblem[] } {
  const secrets: Record<string, string> = {};
  const problems: ConfigProblem[] = [];
  for (const name of secretVariables) {
    const variable = `${name}_FILE`;
    const file = env[variable];
    if (file === undefined || file === '') continue;
    try {
      if ((env[name] ?? '') !== '') throw new Error(`${name} is set too: one is enough`);
      const secret = readFileSync(file, 'utf8').trim();
      if (secret === '') throw new Error(`${file} is empty`);
      secrets[name] = secret;
    } catch (error) {
      problems.push({ path: variable, message: messageOf(error), line: null, variable: null });
    }
  }
  return { env: { ...env, ...secrets }, problems };
}
