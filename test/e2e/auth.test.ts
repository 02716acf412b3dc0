import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ErrorBody, type ServiceName, serviceNameSchema } from '../../src/contracts/api.ts';
import { type KeyScope, keyScopeSchema, type KeyWithSecret } from '../../src/contracts/keys.ts';
import { centralAccess } from '../../src/central/api/access-table.ts';
import { operationsAccess } from '../../src/platform/http/access-table.ts';
import { registryAccess } from '../../src/registry/api/access.ts';
import { routerAccess } from '../../src/router/api/access.ts';
import { upgradeAccess } from '../../src/upgrade/api/access.ts';
import {
  makeTestFolder,
  openAiClient,
  type SignalboxProcess,
  startSignalbox,
  startTestProviders,
  type TestProviders,
} from '../support/app.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { capital, failureOf, user } from './requests.ts';

const masterKey = 'sb-master-key-5d1c9e8a27';
const wrongKeys = ['sb-master-key-5d1c9e8a28', '', masterKey.slice(0, -1), `${masterKey}x`];

interface Operation {
  service: ServiceName;
  method: string;
  path: string;
  /** As its service declares it. */
  declared?: string;
}

const readKey = 'sb-read-only-key-77ab12';

let database: TestDatabase;
let providers: TestProviders;
let folder: Awaited<ReturnType<typeof makeTestFolder>>;
/** The text of a virtual key of each scope. */
let keys: Record<KeyScope, string>;
let signalbox: SignalboxProcess;
/** All that was answered: bodies and headers. */
const answers: string[] = [];

beforeAll(async () => {
  [database, providers, folder] = await Promise.all([createTestDatabase(), startTestProviders(), makeTestFolder()]);
  // Far more wrong keys than any service would answer.
  const config = await folder.writeConfig({
    read_key: readKey,
    authentication: { failures_per_minute: 1_000_000, all_failures_per_minute: 1_000_000 },
  });
  signalbox = startSignalbox(['up', '--config', config], {
    ...providers.environment,
    DATABASE_URL: database.connectionString,
    SIGNALBOX_MASTER_KEY: masterKey,
    LOG_LEVEL: 'trace',
  });
  await signalbox.url('router');
  keys = { call: await makeKey('call'), read: await makeKey('read'), admin: await makeKey('admin') };
});
afterAll(async () => {
  signalbox.kill('SIGTERM');
  await signalbox.waitForExit();
  await providers.stop();
  await database.drop();
  await folder.remove();
});

async function makeKey(scope: KeyScope): Promise<string> {
  const response = await fetch(`${await signalbox.url('central')}/keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${masterKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: scope, scope }),
  });
  return ((await response.json()) as KeyWithSecret).key;
}

async function call({ service, method, path }: Operation, headers: Record<string, string> = {}) {
  const withBody = method === 'POST' || method === 'PATCH';
  const response = await fetch((await signalbox.url(service)) + path, {
    method,
    headers: { ...headers, ...(withBody ? { 'content-type': 'application/json' } : {}) },
    ...(withBody ? { body: '{}' } : {}),
  });
  const text = await response.text();
  answers.push(text, ...[...response.headers].flat());
  return { status: response.status, text };
}

const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

/** The code of an error; undefined of any other answer. */
function codeOf(text: string): string | null | undefined {
  if (text.startsWith('{"type":"error"')) return (JSON.parse(text) as { error: { type: string } }).error.type;
  return text.startsWith('{"error":{') ? (JSON.parse(text) as ErrorBody).error.code : undefined;
}

/** Every route that a service describes, with something in the place of its parameters. */
async function operationsOf(service: ServiceName): Promise<Operation[]> {
  const { text } = await call(
    { service, method: 'GET', path: '/openapi.json' },
    { authorization: `Bearer ${masterKey}` },
  );
  const { paths } = JSON.parse(text) as { paths: Record<string, Record<string, unknown>> };
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({
      service,
      method: method.toUpperCase(),
      path: path.replaceAll(/\{\w+\}/g, 'text_generation'),
      declared: `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`,
    })),
  );
}

describe.each(serviceNameSchema.options)('%s', (service) => {
  it('answers nobody without the key, but for how it is and what it can do', async () => {
    const operations = await operationsOf(service);
    expect(operations.length).toBeGreaterThan(6);
    const more = [
      '/nowhere',
      '/healthy',
      '/health%2f..%2fmodels',
      '/docs',
      '/docs/',
      '/docs/static/swagger-ui.css',
      '/docs/static/swagger-initializer.js',
      '/docs/nothing',
      '/openapi.json',
      '/openapi.json.bak',
    ];
    for (const operation of [...operations, ...more.map((path) => ({ service, method: 'GET', path }))]) {
      const attempts: Record<string, string>[] = [
        {},
        ...wrongKeys.flatMap((key): Record<string, string>[] => [
          { authorization: `Bearer ${key}` },
          { 'x-api-key': key },
        ]),
        { authorization: masterKey },
        { authorization: `Basic ${masterKey}` },
      ];
      // Whoever logs in or out has no session yet, or no need of one.
      if (operation.path === '/session') continue;
      const isOpen = /^\/(health(\/\w+)?|docs(\/|\/static\/swagger-.+)?|openapi\.json)$/.test(operation.path);
      // Anthropic's shape of an error has a type and no code.
      const code = operation.path.startsWith('/v1/messages') ? 'authentication_error' : 'unauthorized';
      const expected = isOpen ? { status: 200 } : { status: 401, code };
      for (const headers of attempts) {
        const { status, text } = await call(operation, headers);
        expect({ operation, headers, status, code: codeOf(text) }).toMatchObject(expected);
      }
    }
  });

  it('answers everybody with the key, given in either way', async () => {
    for (const operation of await operationsOf(service)) {
      // One ends by itself only when its client leaves, the other is asked without a key.
      if (/^\/(live|session)$/.test(operation.path)) continue;
      const ways: Record<string, string>[] = [{ authorization: `Bearer ${masterKey}` }, { 'x-api-key': masterKey }];
      for (const headers of ways) {
        const { status } = await call(operation, headers);
        const isPlain = operation.method === 'GET' && !/text_generation|classify/.test(operation.path);
        expect(isPlain ? [200] : [200, 202, 400, 404], `${operation.method} ${operation.path}`).toContain(status);
      }
    }
  });
});

/** Routes that the description leaves out: the page and the description itself. */
const hidden = new Set(['GET /', 'GET /assets/*', 'GET /docs', 'GET /docs/', 'GET /docs/*', 'GET /openapi.json']);
const tables = { registry: registryAccess, router: routerAccess, upgrade: upgradeAccess, central: centralAccess };

/** What a key of a scope opens, said once more and in other words than the tables. */
function isOpened(scope: KeyScope, { service, method, path }: Operation): boolean {
  if (scope === 'admin') return true;
  const isCall = service === 'router' && /^\/(v1\/|route|classify|feedback|race)/.test(path);
  if (scope === 'call') return isCall;
  return method === 'GET' || path === '/services/router/route';
}

describe.each(serviceNameSchema.options)('keys of each scope on %s', (service) => {
  it('open what the scope says, of every route that there is', async () => {
    // What lately was made may not have been heard of yet.
    await expect
      .poll(async () => (await call({ service, method: 'GET', path: '/config' }, bearer(keys.read))).status)
      .toBe(200);
    const operations = await operationsOf(service);
    const known = Object.keys({ ...tables[service], ...operationsAccess }).filter((route) => !hidden.has(route));
    const declared = operations.map((operation) => operation.declared ?? '');
    const byName = (a: string, b: string): number => a.localeCompare(b);
    expect(declared.toSorted(byName)).toEqual(known.toSorted(byName));

    for (const operation of operations) {
      if (/^\/(live|session|health.*|openapi.*|docs.*)$/.test(operation.path)) continue;
      for (const scope of keyScopeSchema.options) {
        const { status } = await call(operation, bearer(keys[scope]));
        const refusal = [401, 403].includes(status) ? status : null;
        // Keys that only call are unknown beyond that.
        const expected = isOpened(scope, operation) ? null : scope === 'call' ? 401 : 403;
        expect({ ...operation, scope, refusal }).toEqual({ ...operation, scope, refusal: expected });
      }
      const { status } = await call(operation, bearer(readKey));
      const lets = service === 'central' && isOpened('read', operation);
      const refused = service === 'central' ? 403 : 401;
      expect({ ...operation, isRefused: status === refused }).toEqual({ ...operation, isRefused: !lets });
    }
  });
});

it('is asked of an OpenAI client as its API key', async () => {
  const router = await signalbox.url('router');
  const answer = await openAiClient(router, masterKey).chat.completions.create({
    model: 'auto',
    messages: user(capital),
  });
  expect(answer.choices[0]?.message.content).toContain('Paris');
  const refused = openAiClient(router, 'sk-other').chat.completions.create({ model: 'auto', messages: user(capital) });
  expect(await failureOf(refused)).toMatchObject({ status: 401, code: 'unauthorized' });
});

it('is in no answer and in no log', async () => {
  expect(answers.length).toBeGreaterThan(500);
  const secrets = [masterKey, readKey, ...Object.values(keys)];
  expect(answers.filter((answer) => secrets.some((secret) => answer.includes(secret)))).toEqual([]);
  const log = signalbox.stderr() + signalbox.stdout();
  expect(log).toContain('"level":"info"');
  for (const secret of secrets) expect(log).not.toContain(secret);
});
