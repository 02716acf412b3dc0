import { describe, expect, test } from 'vitest';
import { readConfigText } from '../../platform/config/load.ts';
import { readYaml } from '../../platform/config/yaml-file.ts';
import type { Finding } from './report.ts';
import { translateLitellm } from './translate.ts';

const translate = (text: string) => translateLitellm(readYaml(text).values);

/** What is said of a setting, as `kind: text`. */
function said(findings: readonly Finding[], path: string): string[] {
  return findings.filter((finding) => finding.path.join('.') === path).map(({ kind, text }) => `${kind}: ${text}`);
}

const everything = `
credential_list:
  - credential_name: eu
    credential_values: { api_key: os.environ/AZURE_EU, api_base: "https://eu.openai.azure.com/" }
model_list:
  - model_name: chat
    litellm_params: { model: azure/deployed-gpt, litellm_credential_name: eu, order: 2, rpm: 60, api_version: "2024-06-01" }
    model_info: { base_model: azure/gpt-4o }
  - model_name: chat
    litellm_params: { model: openai/gpt-4o, api_key: os.environ/OPENAI_API_KEY, order: 1, temperature: 0.2 }
  - model_name: fast
    litellm_params: { model: groq/llama-3, api_key: os.environ/GROQ_A, weight: 2 }
  - model_name: fast
    litellm_params: { model: groq/llama-3, api_key: os.environ/GROQ_B }
  - model_name: local
    litellm_params: { model: openai/qwen, api_base: "http://10.0.0.7:8000/v1", api_key: none, input_cost_per_token: 0 }
  - model_name: hosted
    litellm_params: { model: hosted_vllm/phi, api_base: os.environ/PHI_BASE, tags: [a] }
  - model_name: "anthropic/*"
    litellm_params: { model: "anthropic/*" }
  - model_name: "*"
    litellm_params: { model: "*" }
  - model_name: lake
    litellm_params: { model: sagemaker/llama, aws_region_name: eu-west-1 }
  - model_name: chat
    litellm_params: { model: sagemaker/other }
  - model_name: who
    litellm_params: { model: mystery }
router_settings:
  routing_strategy: least-busy
  model_group_alias: { gpt-4: chat }
  fallbacks: [{ fast: [chat, claude-x] }]
  num_retries: 9
  timeout: 30
  stream_timeout: 2.5
  cooldown_time: 60
  redis_host: os.environ/REDIS_HOST
litellm_settings:
  num_retries: 1
  allowed_fails: 3
  callbacks: [langfuse]
  context_window_fallbacks: [{ chat: [fast] }]
  brand_new_setting: { deep: 1 }
general_settings:
  master_key: os.environ/LITELLM_MASTER_KEY
  database_url: os.environ/DATABASE_URL
environment_variables: { REDIS_HOST: localhost }
`;

test('the usual key stays one of several', () => {
  const entry = (variable: string): string =>
    `{ model_name: a, litellm_params: { model: openai/gpt-4o, api_key: os.environ/${variable} } }`;
  const { config } = translate(`model_list: [${entry('OPENAI_API_KEY')}, ${entry('OPENAI_API_KEY_2')}]`);
  expect(config['providers']).toEqual([
    { name: 'openai', kind: 'openai', api_key_env: ['OPENAI_API_KEY', 'OPENAI_API_KEY_2'] },
  ]);
});

describe('a LiteLLM configuration', () => {
  const { config, findings } = translate(everything);

  test('becomes one that is valid', () => {
    const env = Object.fromEntries(
      ['AZURE_EU', 'OPENAI_API_KEY', 'GROQ_A', 'GROQ_B', 'ANTHROPIC_API_KEY', 'HOSTED_VLLM_API_KEY'].map((name) => [
        name,
        'k',
      ]),
    );
    const text = Buffer.from(JSON.stringify(config));
    expect(readConfigText({ env: { ...env, PHI_BASE: 'http://phi/v1' }, cwd: '/' }, 'made.yaml', text)).toMatchObject({
      problems: [],
    });
  });

  test('has its deployments as providers and aliases, in their order, with their keys', () => {
    expect(config['providers']).toEqual([
      {
        name: 'azure',
        kind: 'azure',
        base_url: 'https://eu.openai.azure.com/',
        api_key_env: 'AZURE_EU',
        models: ['deployed-gpt'],
      },
      { name: 'openai', kind: 'openai' },
      { name: 'groq', kind: 'groq', api_key_env: ['GROQ_A', 'GROQ_B'] },
      {
        name: '10.0.0.7-8000',
        kind: 'openai-compatible',
        base_url: 'http://10.0.0.7:8000/v1',
        api_key: 'none',
        models: ['qwen'],
      },
      {
        name: 'own-server',
        kind: 'openai-compatible',
        base_url_env: 'PHI_BASE',
        api_key_env: 'HOSTED_VLLM_API_KEY',
        models: ['phi'],
      },
      { name: 'anthropic', kind: 'anthropic' },
    ]);
    const chat = ['openai/gpt-4o', 'azure/deployed-gpt'];
    expect(config['routing']).toEqual({
      aliases: {
        chat,
        'gpt-4': chat,
        fast: ['groq/llama-3', ...chat, 'claude-x'],
        local: ['10.0.0.7-8000/qwen'],
        hosted: ['own-server/phi'],
      },
    });
  });

  test('has its settings in our units, those of the router before the others', () => {
    expect(config).toMatchObject({
      retries: { same_model: 5 },
      deadlines: {
        complete_ms: { simple: 30_000, medium: 30_000, complex: 30_000 },
        first_token_ms: { simple: 2500, medium: 2500, complex: 2500 },
      },
      resilience: { ejection: { consecutive_failures: 4, base_ejection_ms: 60_000 } },
    });
    expect(config).not.toHaveProperty('master_key');
  });

  test.each([
    ['model_list.8', /^missing: left out: there is no provider sagemaker/],
    ['model_list.9', /^missing: left out: there is no provider sagemaker/],
    ['model_list.10', /^missing: left out: it does not say which provider/],
    ['model_list.7', /^differs: every provider whose key is in the environment/],
    ['model_list.6.model_name', /^carried: all models of the provider anthropic/],
    ['model_list.1.litellm_params.temperature', /^missing: .*let the client send it/],
    ['model_list.2.litellm_params.weight', /^missing: /],
    ['model_list.0.litellm_params.rpm', /^differs: /],
    ['general_settings.master_key', /^differs: set SIGNALBOX_MASTER_KEY to what LITELLM_MASTER_KEY holds/],
    ['router_settings.redis_host', /^differs: no Redis is needed/],
    ['litellm_settings.brand_new_setting.deep', /^unknown: /],
  ])('says of %s what became of it', (path, expected) => {
    expect(said(findings, path)).toEqual([expect.stringMatching(expected)]);
  });

  test('says something of every value, in the order of the file, and repeats none', () => {
    // Another entry of the name is carried; this one is not.
    expect(said(findings, 'model_list.9.model_name')).toEqual([]);
    const [first] = findings;
    expect(first?.path).toEqual(['credential_list', 0]);
    expect(findings.at(-1)?.path).toEqual(['environment_variables']);
    const secret = translate('general_settings: { master_key: sk-a-secret-master-key }\nmodel_list: []');
    expect(secret.config).toEqual({ master_key: 'sk-a-secret-master-key' });
    expect(JSON.stringify(secret.findings)).not.toContain('sk-a-secret');
  });
});

test('a setting that is not understood is no default, and a number in quotes is one', () => {
  const { config, findings } = translate(`
litellm_settings: { request_timeout: "45", num_retries: os.environ/R, cooldown_time: 0, set_verbose: false }
router_settings: { timeout: 0, debug_level: ERROR, allowed_fails: "2" }
`);
  expect(config).toEqual({
    deadlines: { complete_ms: { simple: 45_000, medium: 45_000, complex: 45_000 } },
    resilience: { ejection: { consecutive_failures: 3 } },
  });
  expect(findings.map(({ kind, path }) => [path.at(-1), kind])).toEqual([
    ['request_timeout', 'carried'],
    ['num_retries', 'missing'],
    ['cooldown_time', 'missing'],
    ['set_verbose', 'differs'],
    ['timeout', 'missing'],
    ['debug_level', 'missing'],
    ['allowed_fails', 'carried'],
  ]);
});

test.each([
  ['nothing', ''],
  [
    'other shapes than expected',
    'model_list: { a: 1 }\nrouter_settings: [1]\nlitellm_settings: text\ngeneral_settings: 4\n',
  ],
  ['entries that are none', 'model_list: [1, { model_name: a }, { model_name: b, litellm_params: { model: 7 } }]'],
  ['fallbacks that are none', 'router_settings: { fallbacks: { a: b }, default_fallbacks: x, model_group_alias: [q] }'],
])('%s is no reason to fail', (_what, text) => {
  expect(() => translate(text)).not.toThrow();
});
