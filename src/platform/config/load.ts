import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import type { z } from 'zod';
import { messageOf, StartupError } from '../core/errors.ts';
import type { Provider } from '../providers/definitions.ts';
import { configFromEnvironment, type Environment, variableOf } from './environment.ts';
import { type ConfigProblem, describeProblems } from './problem.ts';
import { deepFreeze, mergeRecords, valueAt } from './record.ts';
import { resolveProviders } from './resolve-providers.ts';
import { providersSchema } from './provider-schema.ts';
import { type ConfigValues, configSchema } from './schema.ts';
import { withSecretFiles } from './secret-files.ts';
import { emptyYamlFile, readYaml, type YamlFile } from './yaml-file.ts';

/** The whole configuration of a process, frozen. */
export interface Config extends Omit<ConfigValues, 'providers' | 'instance_id'> {
  readonly instance_id: string;
  readonly providers: readonly Provider[];
  /** The file that was read, or null. */
  readonly config_file: string | null;
}

export interface LoadOptions {
  env?: Environment;
  /** What the command line sets, in the shape of the configuration file; wins over everything else. */
  flags?: Record<string, unknown>;
  /** Path from `--config`; the file must exist. */
  file?: string | undefined;
  cwd?: string;
}

/** A configuration as its sources give it, or what is wrong with them. */
export interface ConfigReading {
  /** Null where there are problems. */
  config: Config | null;
  problems: readonly ConfigProblem[];
  /** The file that was read, or null. */
  file: string | null;
  /** SHA-256 of its bytes, the first 12 hexadecimal digits: equal files have equal ones. Null: no file. */
  fileHash: string | null;
  yaml: YamlFile;
}

/**
 * Defaults < `signalbox.yaml` < environment < flags, each merged into the one before, objects by key, lists whole.
 *
 * @throws StartupError that names each wrong entry with its path.
 */
export function loadConfig(options: LoadOptions = {}): Config {
  const { config, problems, file } = readConfig(options);
  if (config === null) throw new StartupError(describeProblems(problems, file));
  return config;
}

/** As `loadConfig`, but with what is wrong as its answer. */
export function readConfig(options: LoadOptions = {}): ConfigReading {
  const { path, isRequired } = configPath(options);
  if (!existsSync(path)) {
    const problem = { path: '', message: `configuration file ${path} does not exist`, line: null, variable: null };
    if (isRequired) return { config: null, problems: [problem], file: null, fileHash: null, yaml: emptyYamlFile };
    return interpret(options, null, null, emptyYamlFile);
  }
  try {
    return readConfigText(options, path, readFileSync(path));
  } catch (error) {
    const problem = { path: '', message: messageOf(error), line: null, variable: null };
    return { config: null, problems: [problem], file: path, fileHash: null, yaml: emptyYamlFile };
  }
}

/** As `readConfig`, of a file whose content is known. */
export function readConfigText(options: LoadOptions, file: string, content: Buffer): ConfigReading {
  return interpret(options, file, hashOfFile(content), readYaml(content.toString('utf8')));
}

export function hashOfFile(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex').slice(0, 12);
}

/** Where the file is, or would be. */
export function configPath({ file, env = process.env, cwd = process.cwd() }: LoadOptions): {
  path: string;
  isRequired: boolean;
} {
  const named = file ?? env['SIGNALBOX_CONFIG'];
  const isNamed = named !== undefined && named !== '';
  return { path: resolve(cwd, isNamed ? named : 'signalbox.yaml'), isRequired: isNamed };
}

function interpret(
  { env: given = process.env, cwd = process.cwd(), flags = {} }: LoadOptions,
  file: string | null,
  fileHash: string | null,
  yaml: YamlFile,
): ConfigReading {
  const { env, problems: ofSecrets } = withSecretFiles(given);
  const fromEnvironment = configFromEnvironment(env);
  const refusal = (problems: readonly ConfigProblem[]): ConfigReading => ({
    config: null,
    problems,
    file,
    fileHash,
    yaml,
  });
  const problemAt = (path: readonly PropertyKey[], message: string): ConfigProblem => {
    const keys = path.map(String);
    const isOfEnvironment = keys.length > 0 && valueAt(fromEnvironment, keys) !== undefined;
    return {
      path: keys.join('.'),
      message,
      line: isOfEnvironment ? null : yaml.lineOf(path),
      variable: isOfEnvironment ? variableOf(keys) : null,
    };
  };

  if (yaml.errors.length > 0) {
    return refusal(yaml.errors.map(({ message, line }) => ({ path: '', message, line, variable: null })));
  }
  if (ofSecrets.length > 0) return refusal(ofSecrets);
  const merged = mergeRecords(mergeRecords(yaml.values, fromEnvironment), flags);
  const parsed = configSchema.safeParse(merged);
  // What is wrong elsewhere hides nothing of what is wrong with these.
  const configured = parsed.success ? parsed.data.providers : providersSchema.safeParse(merged['providers']).data;
  const { providers, problems } = resolveProviders(configured ?? [], env);
  if (!parsed.success || problems.length > 0) {
    const issues = parsed.success ? [] : issuesOf(parsed.error);
    return refusal([...issues, ...problems].map(({ path, message }) => problemAt(path, message)));
  }
  const values = parsed.data;
  const config: Config = {
    ...values,
    data_dir: resolve(cwd, values.data_dir),
    instance_id: values.instance_id ?? defaultInstanceId(values.ports.router),
    providers,
    config_file: file,
  };
  return { config: deepFreeze(config), problems: [], file, fileHash, yaml };
}

function issuesOf(error: z.ZodError): Array<{ path: readonly PropertyKey[]; message: string }> {
  return error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({ path: [...issue.path, key], message: 'unknown key' }))
      : [{ path: issue.path, message: issue.message }],
  );
}

function defaultInstanceId(routerPort: number): string {
  const host = hostname().replaceAll(/[^\w.-]/g, '-');
  // Without a fixed port two processes on one host would share an id and so a queue.
  return `${host}-${routerPort === 0 ? `pid${process.pid}` : routerPort}`;
}

const loopbackHosts = new Set(['127.0.0.1', 'localhost', '::1']);

/** Why nobody should listen like this, where the address is public and no key protects it; else null. */
export function unsafeToListen({ host, master_key: masterKey }: Config): string | null {
  if (loopbackHosts.has(host) || host.startsWith('127.') || masterKey !== undefined) return null;
  return `refusing to listen on ${host} without a key: set SIGNALBOX_MASTER_KEY (16 characters or more), or HOST=127.0.0.1`;
}

/** @throws StartupError when the address is public and no key protects it. */
export function assertSafeToListen(config: Config): void {
  const reason = unsafeToListen(config);
  if (reason !== null) throw new StartupError(reason);
}
