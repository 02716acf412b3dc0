import { createHash } from 'node:crypto';
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
  for (const { name, variable, file } of namedFiles(env)) {
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

/** Of all that is in the secret files which the environment names: equal while none of them changes. */
export function hashOfSecretFiles(env: Environment): string {
  const hash = createHash('sha256');
  for (const { variable, file } of namedFiles(env)) {
    try {
      hash.update(`${variable}\0`).update(readFileSync(file)).update('\0');
    } catch (error) {
      hash.update(messageOf(error));
    }
  }
  return hash.digest('hex');
}

function namedFiles(env: Environment): Array<{ name: string; variable: string; file: string }> {
  return secretVariables.flatMap((name) => {
    const variable = `${name}_FILE`;
    const file = env[variable] ?? '';
    return file === '' ? [] : [{ name, variable, file }];
  });
}
