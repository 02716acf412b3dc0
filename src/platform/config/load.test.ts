import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { StartupError } from '../core/errors.ts';
import { assertSafeToListen, loadConfig } from './load.ts';
import { showConfig } from './show.ts';

const folder = mkdtempSync(join(tmpdir(), 'signalbox-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
function file(text: string): string {
  files += 1;
  const path = join(folder, `${files}.yaml`);
  writeFileSync(path, text);
  return path;
}

function problem(load: () => unknown): string {
  try {
    load();
  } catch (error) {
    if (error instanceof StartupError) return error.message;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('the order of sources', () => {
  const yaml = file('host: 127.0.0.2\nports: { router: 1111, central: 2222 }\nlog_level: warn\n');

  test('defaults < file < environment < flags, objects merged key by key', () => {
    const config = loadConfig({
      file: yaml,
      env: { ROUTER_PORT: '3333', LOG_LEVEL: 'error', CENTRAL_PORT: '' },
      flags: { log_level: 'debug' },
    });
    expect(config.ports).toEqual({ registry: 8000, router: 3333, upgrade: 8002, central: 2222 });
    expect(config).toMatchObject({ host: '127.0.0.2', log_level: 'debug', config_file: yaml });
  });

  test('signalbox.yaml of the working folder is found, SIGNALBOX_CONFIG names another', () => {
    const cwd = mkdtempSync(join(folder, 'cwd-'));
    expect(loadConfig({ env: {}, cwd }).config_file).toBeNull();
    writeFileSync(join(cwd, 'signalbox.yaml'), 'host: localhost');
    expect(loadConfig({ env: {}, cwd }).host).toBe('localhost');
    expect(loadConfig({ env: { SIGNALBOX_CONFIG: yaml }, cwd }).host).toBe('127.0.0.2');
  });

  test('the result is frozen to its depths', () => {
    const config = loadConfig({ env: {}, cwd: folder });
    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.isFrozen(config.routing.preferences.simple)).toBe(true);
  });
});

describe('what is wrong is named with its path', () => {
  test.each([
    ['__proto__: { host: 0.0.0.0 }\nports: { router: 1 }', '__proto__: unknown key'],
    ['ports: { __proto__: { router: 1 } }', 'ports.__proto__: unknown key'],
    [
      'providers: [{ name: a, kind: ollama, base_url: "http://169.254.169.254" }]',
      'providers.0.base_url: provider a: is a link-local',
    ],
    ['routing: { weigths: {} }', 'routing.weigths: unknown key'],
    ['nonsense: 1', 'nonsense: unknown key'],
    ['ports: { router: 70000 }', 'ports.router: '],
    ['providers: [{ name: a, kind: telepathy }]', 'providers.0.kind: '],
    ['deadlines: { first_token_ms: { simple: soon } }', 'deadlines.first_token_ms.simple: '],
    ['- a\n- list', 'must hold keys and values'],
    ['a: [1', 'Flow sequence'],
    // Of what may be a secret nothing is said.
    ['master_key: *S3cret-key', 'Unresolved alias (the anchor must be set before the alias)'],
    ['master_key: |S3cret-key', 'Block scalar header includes extra characters'],
    [String.raw`master_key: "a\S3cret-key"`, 'Invalid escape sequence'],
    ['providers: [{ name: a, kind: openai-compatible }]', 'provider a: base_url is missing'],
    ['providers: [{ name: a, kind: openai, api_key_env: NOT_SET }]', 'environment variable NOT_SET is not set'],
    ['providers: [{ name: a, kind: openai }]', 'provider a: no key; set api_key_env or OPENAI_API_KEY'],
    [
      'providers: [{ name: a, kind: openai, api_key: k }, { name: a, kind: openai, api_key: k }]',
      'provider a: is configured twice',
    ],
  ])('%s', (yaml, expected) => {
    const told = problem(() => loadConfig({ file: file(yaml), env: {} }));
    expect(told).toContain(expected);
    expect(told).not.toContain('S3cret');
  });

  test('in the environment too, without its value', () => {
    expect(problem(() => loadConfig({ env: { ROUTER_PORT: 'eight' }, cwd: folder }))).toMatch(/ports\.router: /);
    const wrong = problem(() => loadConfig({ env: { DATABASE_URL: 'mysql://root:secret@db' }, cwd: folder }));
    expect(wrong).toContain('database_url: must start with postgres://');
    expect(wrong).not.toContain('secret');
  });

  test('a file that is named must exist', () => {
    expect(problem(() => loadConfig({ file: 'nowhere.yaml', env: {}, cwd: folder }))).toContain('does not exist');
  });
});

describe('providers', () => {
  test('come from the environment by their standard names', () => {
    const { providers } = loadConfig({
      cwd: folder,
      env: {
        OPENAI_API_KEY: 'sk-1',
        ANTHROPIC_API_KEY: 'sk-2',
        ANTHROPIC_BASE_URL: 'http://127.0.0.1:9/',
        OLLAMA_HOST: '127.0.0.1:11434',
        HF_TOKEN: '',
      },
    });
    expect(providers.map(({ name, baseUrl, apiKey }) => [name, baseUrl, apiKey])).toEqual([
      ['openai', 'https://api.openai.com/v1', 'sk-1'],
      ['anthropic', 'http://127.0.0.1:9/v1', 'sk-2'],
      ['ollama', 'http://127.0.0.1:11434/v1', null],
    ]);
  });

  test('of Azure and Bedrock have the addresses that their users know', () => {
    const { providers } = loadConfig({
      cwd: folder,
      env: {
        AZURE_OPENAI_API_KEY: 'a',
        AZURE_OPENAI_ENDPOINT: 'https://acme.openai.azure.com/',
        AWS_BEARER_TOKEN_BEDROCK: 'b',
        AWS_REGION: 'eu-west-1',
      },
    });
    expect(providers.map(({ name, baseUrl }) => [name, baseUrl])).toEqual([
      ['azure', 'https://acme.openai.azure.com/openai/v1'],
      ['bedrock', 'https://bedrock-runtime.eu-west-1.amazonaws.com'],
    ]);
  });

  test('may have several keys, and endpoints of their own', () => {
    const yaml = file(
      'providers: [{ name: a, kind: openai-compatible, base_url: "http://h/v1", api_key_env: [K1, K2], passes: [chat, responses] }]',
    );
    const { providers } = loadConfig({ file: yaml, env: { K1: 'one', K2: 'two' } });
    expect(providers).toMatchObject([{ apiKey: 'one', apiKeys: ['one', 'two'], passes: ['chat', 'responses'] }]);
    expect(problem(() => loadConfig({ file: yaml, env: { K1: 'one' } }))).toContain(
      'environment variable K2 is not set',
    );
  });

  test('of the file take their key from the environment, and are not doubled by it', () => {
    const yaml = file('providers: [{ name: ours, kind: openai, base_url: "https://example.test/v1/" }]');
    const { providers } = loadConfig({ file: yaml, env: { OPENAI_API_KEY: 'sk-1' } });
    expect(providers).toMatchObject([{ name: 'ours', baseUrl: 'https://example.test/v1', apiKey: 'sk-1' }]);
  });
});

describe('secrets', () => {
  test('are not in the printed configuration', () => {
    const config = loadConfig({
      cwd: folder,
      env: {
        OPENAI_API_KEY: 'sk-hidden-1',
        SIGNALBOX_MASTER_KEY: 'hidden-2-and-long-enough',
        SIGNALBOX_READ_KEY: 'hidden-4-and-long-enough',
        DATABASE_URL: 'postgres://user:hidden-3@db/signalbox',
      },
    });
    const printed = JSON.stringify(showConfig(config));
    expect(printed).not.toMatch(/hidden/);
    expect(printed).toContain('postgres://user:***@db/signalbox');
    for (const address of [
      'postgres://user:hidden@hidden@db/signalbox',
      'postgres://db/signalbox?user=u&password=hidden&sslmode=require',
    ]) {
      const other = JSON.stringify(showConfig(loadConfig({ cwd: folder, env: { DATABASE_URL: address } })));
      expect(other).not.toMatch(/hidden/);
      expect(other).toContain('db/signalbox');
    }
    const typed = 'providers: [{ name: a, kind: openai, api_key_env: sk-hidden-5 }]';
    writeFileSync(join(folder, 'typed.yaml'), typed);
    expect(problem(() => loadConfig({ cwd: folder, env: {}, file: 'typed.yaml' }))).toMatch(/named here is not set/);
  });

  test('are required on an address that others can reach', () => {
    const listen = (env: Record<string, string>) => () => assertSafeToListen(loadConfig({ env, cwd: folder }));
    expect(problem(listen({ HOST: '0.0.0.0' }))).toMatch(/^refusing to listen on 0\.0\.0\.0 without a key/);
    expect(problem(listen({ HOST: '::' }))).toMatch(/without a key/);
    for (const HOST of ['127.0.0.1', '127.1.2.3', 'localhost', '::1']) expect(listen({ HOST })).not.toThrow();
    expect(listen({ HOST: '0.0.0.0', SIGNALBOX_MASTER_KEY: 'a-key-that-is-long' })).not.toThrow();
  });

  test('the read-only key is one beside the master key', () => {
    const read = (env: Record<string, string>) => problem(() => loadConfig({ env, cwd: folder }));
    const key = 'a-key-that-is-long';
    expect(read({ SIGNALBOX_READ_KEY: key })).toContain('read_key: means nothing without master_key');
    expect(read({ SIGNALBOX_READ_KEY: key, SIGNALBOX_MASTER_KEY: key })).toContain('must differ from master_key');
  });

  test('may be in files that the environment names', () => {
    const env = { SIGNALBOX_MASTER_KEY_FILE: file('a-key-that-is-long\n'), OPENAI_API_KEY_FILE: file('sk-1') };
    const config = loadConfig({ env, cwd: folder });
    expect(config.master_key).toBe('a-key-that-is-long');
    expect(config.providers).toMatchObject([{ name: 'openai', apiKey: 'sk-1' }]);

    const read = (more: Record<string, string>) => problem(() => loadConfig({ env: { ...env, ...more }, cwd: folder }));
    expect(read({ DATABASE_URL_FILE: join(folder, 'nowhere') })).toMatch(
      /^invalid configuration: DATABASE_URL_FILE: ENOENT/,
    );
    expect(read({ DATABASE_URL_FILE: file('\n') })).toContain('is empty');
    expect(read({ SIGNALBOX_MASTER_KEY: 'another-key-that-is-long' })).toContain(
      'SIGNALBOX_MASTER_KEY_FILE: SIGNALBOX_MASTER_KEY is set too',
    );
  });

  test('too short a key is refused', () => {
    expect(problem(() => loadConfig({ env: { SIGNALBOX_MASTER_KEY: 'short' }, cwd: folder }))).toContain(
      'master_key: ',
    );
  });
});
