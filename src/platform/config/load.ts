import { existsSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { parseDocument } from 'yaml';
import type { z } from 'zod';
import { messageOf, StartupError } from '../core/errors.ts';
import { type Provider, type ProviderDefinition, providerDefinitions } from '../providers/definitions.ts';
import { configFromEnvironment, type Environment, providersFromEnvironment } from './environment.ts';
import { type ConfigValues, configSchema, type ProviderConfig } from './schema.ts';
import { withSecretFiles } from './secret-files.ts';

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

/**
 * Defaults < `signalbox.yaml` < environment < flags, each merged into the one before, objects by key, lists whole.
 *
 * @throws StartupError that names each wrong entry with its path.
 */
export function loadConfig(options: LoadOptions = {}): Config {
  const env = withSecretFiles(options.env ?? process.env);
  const cwd = options.cwd ?? process.cwd();
  const file = findFile(options.file ?? env['SIGNALBOX_CONFIG'], cwd);
  const fromFile = file === null ? {} : readYaml(file);
  const merged = merge(merge(fromFile, configFromEnvironment(env)), options.flags ?? {});

  const parsed = configSchema.safeParse(merged);
  if (!parsed.success) throw new StartupError(describeIssues(parsed.error, file));
  const values = parsed.data;

  const config: Config = {
    ...values,
    data_dir: resolve(cwd, values.data_dir),
    instance_id: values.instance_id ?? defaultInstanceId(values.ports.router),
    providers: resolveProviders(values.providers, env, file),
    config_file: file,
  };
  return deepFreeze(config);
}

function defaultInstanceId(routerPort: number): string {
  const host = hostname().replaceAll(/[^\w.-]/g, '-');
  // Without a fixed port two processes on one host would share an id and so a queue.
  return `${host}-${routerPort === 0 ? `pid${process.pid}` : routerPort}`;
}

function findFile(named: string | undefined, cwd: string): string | null {
  if (named !== undefined && named !== '') {
    const path = resolve(cwd, named);
    if (!existsSync(path)) throw new StartupError(`configuration file ${path} does not exist`);
    return path;
  }
  const standard = resolve(cwd, 'signalbox.yaml');
  return existsSync(standard) ? standard : null;
}

function readYaml(file: string): Record<string, unknown> {
  let content: unknown;
  try {
    const document = parseDocument(readFileSync(file, 'utf8'), { prettyErrors: true });
    const [problem] = document.errors;
    if (problem !== undefined) throw problem;
    content = document.toJS();
  } catch (error) {
    throw new StartupError(`${file}: ${messageOf(error).split('\n')[0] ?? 'not readable'}`, { cause: error });
  }
  if (content === null || content === undefined) return {};
  if (!isRecord(content)) throw new StartupError(`${file}: must hold keys and values`);
  return content;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function merge(base: Record<string, unknown>, over: Record<string, unknown>): Record<string, unknown> {
  const result: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const current = result[key];
    result[key] = isRecord(current) && isRecord(value) ? merge(current, value) : value;
  }
  return result;
}

function describeIssues(error: z.ZodError, file: string | null): string {
  const lines = error.issues.flatMap((issue) => {
    const path = issue.path.map(String).join('.');
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => `${path === '' ? key : `${path}.${key}`}: unknown key`);
    }
    return [`${path === '' ? 'configuration' : path}: ${issue.message}`];
  });
  return `invalid configuration${file === null ? '' : ` (${file})`}: ${lines.join('; ')}`;
}

/** The file's providers with their keys filled in, then those that only the environment speaks of. */
function resolveProviders(configured: readonly ProviderConfig[], env: Environment, file: string | null): Provider[] {
  const fromEnvironment = providersFromEnvironment(env);
  const providers = configured.map((entry): Provider => {
    const definition: ProviderDefinition = providerDefinitions[entry.kind];
    const environment = fromEnvironment.find((candidate) => candidate.kind === entry.kind);
    const named = [entry.api_key_env ?? []].flat().map((name) => {
      const key = env[name];
      if (key !== undefined && key !== '') return key;
      throw new StartupError(`provider ${entry.name}: environment variable ${name} is not set`);
    });
    const baseUrl = entry.base_url ?? environment?.baseUrl ?? defaultBaseUrlOf(entry.kind, env);
    if (baseUrl === null) throw new StartupError(`provider ${entry.name}: base_url is missing`);
    const ownKeys = [...(entry.api_key === undefined ? [] : [entry.api_key]), ...named];
    const apiKeys = ownKeys.length > 0 ? ownKeys : [environment?.apiKey ?? []].flat();
    if (definition.needsApiKey && apiKeys.length === 0) {
      throw new StartupError(
        `provider ${entry.name}: no key; set api_key_env or ${definition.apiKeyVariables.join(' or ')}`,
      );
    }
    const { name, kind, models, passes } = entry;
    return { ...makeProvider(name, kind, baseUrl, apiKeys, models), ...(passes === undefined ? {} : { passes }) };
  });
  const duplicate = providers.find((provider, index) => providers.findIndex((p) => p.name === provider.name) !== index);
  if (duplicate !== undefined) {
    throw new StartupError(`provider ${duplicate.name} is configured twice${file === null ? '' : ` in ${file}`}`);
  }
  for (const entry of fromEnvironment) {
    if (providers.some((provider) => provider.kind === entry.kind)) continue;
    const baseUrl = entry.baseUrl ?? defaultBaseUrlOf(entry.kind, env);
    if (baseUrl === null) continue;
    providers.push(makeProvider(entry.kind, entry.kind, baseUrl, [entry.apiKey ?? []].flat(), []));
  }
  return providers;
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
    baseUrl: normaliseBaseUrl(kind, baseUrl, name),
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
 * Azure's OpenAI-compatible API.
 */
function normaliseBaseUrl(kind: Provider['kind'], text: string, name: string): string {
  const withScheme = kind === 'ollama' && !/^https?:\/\//.test(text) ? `http://${text}` : text;
  if (!URL.canParse(withScheme) || !/^https?:\/\//.test(withScheme)) {
    throw new StartupError(`provider ${name}: ${text} is not an http(s) address`);
  }
  const trimmed = withScheme.replace(/\/+$/, '');
  if (kind === 'azure')
    return trimmed.endsWith('/openai/v1') ? trimmed : `${trimmed.replace(/\/openai$/, '')}/openai/v1`;
  // The SDKs of both take the address without the version segment.
  const needsVersion = (kind === 'ollama' || kind === 'anthropic') && !/\/v\d\w*$/.test(trimmed);
  return needsVersion ? `${trimmed}/v1` : trimmed;
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}

/** The configuration as it may be shown: keys and passwords are replaced. */
export function redactConfig(config: Config): Record<string, unknown> {
  const hidden = '[redacted]';
  return {
    ...config,
    ...(config.master_key === undefined ? {} : { master_key: hidden }),
    ...(config.read_key === undefined ? {} : { read_key: hidden }),
    ...(config.database_url === undefined ? {} : { database_url: redactUrl(config.database_url) }),
    telemetry: { ...config.telemetry, otlp: redactAddresses(config.telemetry.otlp) },
    providers: config.providers.map((provider) => ({
      ...provider,
      apiKey: provider.apiKey === null ? null : hidden,
      apiKeys: provider.apiKeys.map(() => hidden),
    })),
  };
}

/** An address may hold a password. */
function redactAddresses(otlp: Config['telemetry']['otlp']): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(otlp).map(([name, value]) => [name, typeof value === 'string' ? redactUrl(value) : value]),
  );
}

/** A connection string without its password. */
export function redactUrl(url: string): string {
  return url.replace(/:\/\/([^:/@]*):[^@]*@/, '://$1:***@');
}

/** Providers to use when none is configured: the simulator, in both dialects, under names that say so. */
export function simulatedProviders(simulatorBaseUrl: string): Provider[] {
  return (['openai', 'anthropic'] as const).map((kind) => ({
    ...makeProvider(`sim-${kind}`, kind, `${simulatorBaseUrl}/v1`, ['simulated'], []),
    simulated: true,
  }));
}

const loopbackHosts = new Set(['127.0.0.1', 'localhost', '::1']);

/** @throws StartupError when the address is public and no key protects it. */
export function assertSafeToListen(config: Config): void {
  if (loopbackHosts.has(config.host) || config.host.startsWith('127.') || config.master_key !== undefined) return;
  throw new StartupError(
    `refusing to listen on ${config.host} without a key: set SIGNALBOX_MASTER_KEY (16 characters or more), or HOST=127.0.0.1`,
  );
}
