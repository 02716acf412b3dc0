import {
  providerDefinitions,
  type ProviderDefinition,
  type ProviderKind,
  providerKinds,
} from '../providers/definitions.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

type Parse = (text: string) => unknown;
const text: Parse = (value) => value;
const flag: Parse = (value) => value.toLowerCase() === 'true';
const list: Parse = (value) => value.split(',').map((entry) => entry.trim());
const number: Parse = (value) => (value.trim() === '' || Number.isNaN(Number(value)) ? value : Number(value));

type Variables = ReadonlyArray<readonly [name: string, path: readonly string[], parse: Parse]>;

/** Environment variable → path in the configuration. A number that is none is kept, so that the schema names it. */
export const environmentVariables: Variables = [
  ['HOST', ['host'], text],
  ['SIGNALBOX_ALLOWED_HOSTS', ['allowed_hosts'], list],
  ['REGISTRY_PORT', ['ports', 'registry'], number],
  ['ROUTER_PORT', ['ports', 'router'], number],
  ['UPGRADE_PORT', ['ports', 'upgrade'], number],
  ['CENTRAL_PORT', ['ports', 'central'], number],
  ['INSTANCE_ID', ['instance_id'], text],
  ['DATABASE_URL', ['database_url'], text],
  ['DATABASE_DIRECT_URL', ['database_direct_url'], text],
  ['SIGNALBOX_DATA_DIR', ['data_dir'], text],
  ['SIGNALBOX_MASTER_KEY', ['master_key'], text],
  ['SIGNALBOX_READ_KEY', ['read_key'], text],
  ['LOG_LEVEL', ['log_level'], text],
  ['OTEL_SDK_DISABLED', ['telemetry', 'otlp', 'disabled'], flag],
];

const collectors: Variables = [
  ['OTEL_EXPORTER_OTLP_ENDPOINT', ['telemetry', 'otlp', 'endpoint'], text],
  ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', ['telemetry', 'otlp', 'traces_endpoint'], text],
  ['OTEL_EXPORTER_OTLP_METRICS_ENDPOINT', ['telemetry', 'otlp', 'metrics_endpoint'], text],
];

/**
 * Those of OpenTelemetry that are read where one of them names a collector: others set them for all programs of a machine,
 * and what they say, such as a protocol that is not spoken here, must not matter to who sends nothing.
 */
export const telemetryVariables: Variables = [
  ...collectors,
  ['OTEL_EXPORTER_OTLP_PROTOCOL', ['telemetry', 'otlp', 'protocol'], text],
  ['OTEL_EXPORTER_OTLP_TIMEOUT', ['telemetry', 'otlp', 'timeout_ms'], number],
  ['OTEL_TRACES_EXPORTER', ['telemetry', 'traces', 'exporter'], text],
  ['OTEL_TRACES_SAMPLER', ['telemetry', 'traces', 'sampler'], text],
  ['OTEL_TRACES_SAMPLER_ARG', ['telemetry', 'traces', 'sampler_arg'], number],
  ['OTEL_BSP_MAX_QUEUE_SIZE', ['telemetry', 'traces', 'max_queue_size'], number],
  ['OTEL_BSP_SCHEDULE_DELAY', ['telemetry', 'traces', 'flush_ms'], number],
  ['OTEL_METRICS_EXPORTER', ['telemetry', 'metrics', 'exporter'], text],
  ['OTEL_METRIC_EXPORT_INTERVAL', ['telemetry', 'metrics', 'interval_ms'], number],
];

/** The environment variable that sets what is at a path; null where none does. */
export function variableOf(path: readonly string[]): string | null {
  const wanted = path.join('.');
  return (
    [...environmentVariables, ...telemetryVariables].find(([, target]) => target.join('.') === wanted)?.[0] ?? null
  );
}

/** The part of the configuration that the environment sets. Empty variables count as unset. */
export function configFromEnvironment(env: Environment): Record<string, unknown> {
  const config: Record<string, unknown> = {};
  const hasCollector = collectors.some(([name]) => (env[name] ?? '') !== '');
  for (const [name, path, parse] of [...environmentVariables, ...(hasCollector ? telemetryVariables : [])]) {
    const value = env[name];
    if (value !== undefined && value !== '') setAt(config, path, parse(value));
  }
  return config;
}

function setAt(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [head, ...rest] = path;
  if (head === undefined) return;
  if (rest.length === 0) {
    target[head] = value;
    return;
  }
  const child = (target[head] ?? {}) as Record<string, unknown>;
  target[head] = child;
  setAt(child, rest, value);
}

/** Whether npm runs this process as a script; it then has a shell between itself and us. */
export function isNpmScript(env: Environment = process.env): boolean {
  return env['npm_lifecycle_event'] !== undefined;
}

/** A provider that the environment speaks of, by its key or its address. */
export interface ProviderFromEnvironment {
  kind: ProviderKind;
  apiKey: string | null;
  baseUrl: string | null;
}

export function providersFromEnvironment(env: Environment): ProviderFromEnvironment[] {
  return providerKinds.flatMap((kind) => {
    const definition: ProviderDefinition = providerDefinitions[kind];
    const apiKey = definition.apiKeyVariables
      .map((name) => env[name])
      .find((value) => value !== undefined && value !== '');
    const baseUrl = definition.baseUrlVariable === null ? undefined : env[definition.baseUrlVariable];
    const present = definition.needsApiKey ? apiKey !== undefined : baseUrl !== undefined && baseUrl !== '';
    if (!present) return [];
    return [{ kind, apiKey: apiKey ?? null, baseUrl: baseUrl === undefined || baseUrl === '' ? null : baseUrl }];
  });
}
