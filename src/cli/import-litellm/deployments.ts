import { isRecord } from '../../platform/config/record.ts';
import type { ProviderKind } from '../../platform/providers/definitions.ts';
import { ownKeyVariable, type ParsedModel, parseModel } from './providers.ts';
import type { Report } from './report.ts';

/** One entry of LiteLLM's `model_list`, read. */
export interface Deployment {
  /** Where it stands in the list, from 0. */
  index: number;
  /** Under which name clients ask for it. */
  name: string;
  parsed: ParsedModel;
  kind: ProviderKind;
  /** Empty for a wildcard: all models of the provider. */
  modelId: string | null;
  baseUrl: Text | null;
  /** Null: as the environment says. */
  apiKey: Text | null;
  /** Smaller ones come first. */
  order: number;
}

/** A text of the file, or the name of the variable that holds it. */
export type Text = { variable: string } | { text: string };

/** `os.environ/NAME` is LiteLLM's way to name a variable. Null for what is no text or an empty one. */
export function textOf(value: unknown): Text | null {
  if (typeof value !== 'string' && typeof value !== 'number') return null;
  const text = String(value).trim();
  if (text === '') return null;
  const [, variable] = /^os\.environ\/(\w+)$/.exec(text) ?? [];
  return variable === undefined ? { text } : { variable };
}

type Remark = readonly ['differs' | 'missing', string];

/** What LiteLLM's parameters of a deployment mean here. */
const remarks: Readonly<Record<string, Remark>> = {
  rpm: [
    'differs',
    'a limit of a deployment is not kept; refusals (429) are learned from, and keys have limits: docs/keys-and-budgets.md',
  ],
  tpm: [
    'differs',
    'a limit of a deployment is not kept; refusals (429) are learned from, and keys have limits: docs/keys-and-budgets.md',
  ],
  max_parallel_requests: ['differs', 'set resilience.concurrency.per_provider: it holds for each provider'],
  weight: ['missing', 'models of a name are tried in their order; auto spreads requests by what was learned'],
  tags: ['missing', 'give each team a virtual key with its models: signalbox keys create --models'],
  timeout: ['missing', 'deadlines hold for all models: set deadlines.complete_ms'],
  stream_timeout: ['missing', 'deadlines hold for all models: set deadlines.first_token_ms'],
  max_retries: ['missing', 'retries hold for all models: set retries.same_model'],
  num_retries: ['missing', 'retries hold for all models: set retries.same_model'],
  api_version: ['differs', 'not needed: the version of the API is in the address'],
  organization: ['missing', 'use a key of that organization'],
  drop_params: ['differs', 'a translation leaves out what the provider does not have: docs/surfaces.md'],
  region_name: ['missing', 'name the provider of that region in the request, or give it a name of its own'],
  azure_ad_token: ['missing', 'use a key of the resource'],
};

const price = ['missing', 'set the price in the catalogue: PATCH /models/{id} of the registry'] as const;
const remarkByName: ReadonlyArray<readonly [RegExp, Remark]> = [
  [/_cost_per_/, price],
  [/^aws_/, ['missing', 'requests are not signed: use a Bedrock API key in AWS_BEARER_TOKEN_BEDROCK']],
  [/^s3_/, ['missing', 'files and batches do not go through the gateway']],
  [/^mock_/, ['missing', 'use signalbox sim, which answers without a provider and can fail in many ways']],
  [/^vertex_/, ['missing', 'there is no Vertex AI; Gemini answers with a key of its API']],
];
const requestDefault = ['missing', 'requests go to the provider as they are: let the client send it'] as const;
const ofCatalogue = [
  'differs',
  'the catalogue knows prices and abilities; correct it with PATCH /models/{id} of the registry',
] as const;
const wholeParameters = new Set([
  'model',
  'api_base',
  'base_url',
  'api_key',
  'order',
  'custom_llm_provider',
  'aws_region_name',
  'litellm_credential_name',
]);

/** Reads `model_list`, with `credential_list`, which its entries may refer to. */
export function readDeployments(file: Record<string, unknown>, report: Report): Deployment[] {
  const list = file['model_list'];
  if (!Array.isArray(list)) return [];
  const credentials = readCredentials(file['credential_list'], report);
  return list.flatMap((entry: unknown, index): Deployment[] => {
    const path = ['model_list', index];
    if (!isRecord(entry) || !isRecord(entry['litellm_params'])) {
      report.add('missing', path, 'is no deployment: it has no litellm_params');
      return [];
    }
    const deployment = readDeployment(entry, entry['litellm_params'], path, credentials, report);
    if (deployment === null) return [];
    remarkOn(entry, path, report);
    return [{ index, ...deployment }];
  });
}

function readDeployment(
  entry: Record<string, unknown>,
  own: Record<string, unknown>,
  path: readonly PropertyKey[],
  credentials: ReadonlyMap<string, Record<string, unknown>>,
  report: Report,
): Omit<Deployment, 'index'> | null {
  const at = [...path, 'litellm_params'];
  const params = { ...credentials.get(String(own['litellm_credential_name'])), ...own };
  const model = typeof params['model'] === 'string' ? params['model'] : '';
  const name = typeof entry['model_name'] === 'string' ? entry['model_name'] : model;
  const refuse = (text: string): null => {
    report.add('missing', path, `left out: ${text}`);
    return null;
  };
  if (model === '*') {
    report.add('differs', path, 'every provider whose key is in the environment offers all its models');
    return null;
  }
  const custom = typeof params['custom_llm_provider'] === 'string' ? params['custom_llm_provider'] : null;
  const parsed = parseModel(model, custom);
  if (parsed === null) return refuse('it does not say which provider has the model; write provider/model');
  if (parsed.modelId === '') return refuse('it names no model');
  if (parsed.provider === null) {
    return refuse(
      `there is no provider ${parsed.prefix}; where it has an API like OpenAI's, configure it as openai-compatible`,
    );
  }
  const address = textOf(params['api_base'] ?? params['base_url']);
  const ownServer = address !== null && parsed.prefix === 'openai';
  const isOpenAi = ownServer && 'text' in address && address.text.startsWith('https://api.openai.com');
  const kind = ownServer && !isOpenAi ? 'openai-compatible' : parsed.provider.kind;
  const region = textOf(params['aws_region_name']);
  const ofRegion =
    region !== null && 'text' in region ? { text: `https://bedrock-runtime.${region.text}.amazonaws.com` } : null;
  const known = parsed.provider.baseUrl === null ? null : { text: parsed.provider.baseUrl };
  const baseUrl = address ?? ofRegion ?? known;
  if (kind === 'openai-compatible' && baseUrl === null) return refuse('it has no api_base');
  if (kind === 'azure' && baseUrl === null) {
    report.add('differs', [...at, 'model'], 'set AZURE_OPENAI_ENDPOINT to what AZURE_API_BASE holds');
  }
  if (kind === 'bedrock') {
    report.add('differs', [...path, 'model_name'], 'Bedrock takes an API key here: set AWS_BEARER_TOKEN_BEDROCK');
  }
  const isWildcard = parsed.modelId.endsWith('*');
  report.add('carried', [...at, 'model'], `a model of a provider of the kind ${kind}`);
  for (const key of ['api_base', 'base_url', 'aws_region_name']) {
    if (own[key] !== undefined) report.add('carried', [...at, key], 'base_url of the provider');
  }
  const apiKey = textOf(params['api_key']);
  if (own['api_key'] !== undefined) {
    const isText = apiKey !== null && 'text' in apiKey;
    report.add(
      'carried',
      [...at, 'api_key'],
      isText ? 'api_key; better in a variable that api_key_env names' : 'api_key_env',
    );
  }
  return {
    name,
    parsed,
    kind,
    modelId: isWildcard ? null : parsed.modelId,
    baseUrl,
    apiKey: keyOf(kind, apiKey, parsed),
    order: typeof params['order'] === 'number' ? params['order'] : 1,
  };
}

/** Null where we look for it in the same variable by ourselves. */
function keyOf(kind: ProviderKind, written: Text | null, { provider }: ParsedModel): Text | null {
  const usual = provider?.keyVariable ?? null;
  const key = written ?? (usual === null ? null : { variable: usual });
  return key !== null && 'variable' in key && key.variable === ownKeyVariable(kind) ? null : key;
}

/** Says what becomes of all that is not read, and of what is carried by the list as a whole. */
function remarkOn(entry: Record<string, unknown>, path: readonly PropertyKey[], report: Report): void {
  const params = isRecord(entry['litellm_params']) ? entry['litellm_params'] : {};
  for (const key of Object.keys(params)) {
    if (wholeParameters.has(key)) {
      if (key === 'order')
        report.add('carried', [...path, 'litellm_params', key], 'the order of the models of the name');
      if (key === 'custom_llm_provider')
        report.add('carried', [...path, 'litellm_params', key], 'the kind of the provider');
      if (key === 'litellm_credential_name')
        report.add('carried', [...path, 'litellm_params', key], 'the keys of the provider');
      continue;
    }
    const [kind, text] = remarks[key] ?? remarkByName.find(([pattern]) => pattern.test(key))?.[1] ?? requestDefault;
    report.add(kind, [...path, 'litellm_params', key], text);
  }
  for (const key of ['rpm', 'tpm'] as const) {
    const [kind, text] = remarks[key] ?? requestDefault;
    if (entry[key] !== undefined) report.add(kind, [...path, key], text);
  }
  if (entry['model_info'] !== undefined) report.add(ofCatalogue[0], [...path, 'model_info'], ofCatalogue[1]);
}

function readCredentials(list: unknown, report: Report): ReadonlyMap<string, Record<string, unknown>> {
  const credentials = new Map<string, Record<string, unknown>>();
  for (const [index, entry] of (Array.isArray(list) ? (list as unknown[]) : []).entries()) {
    if (!isRecord(entry) || !isRecord(entry['credential_values'])) continue;
    credentials.set(String(entry['credential_name']), entry['credential_values']);
    report.add('carried', ['credential_list', index], 'the keys and addresses of the providers that refer to it');
  }
  return credentials;
}
