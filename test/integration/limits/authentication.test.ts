import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createLiveConfig } from '../../../src/platform/config/live.ts';
import { loadConfig } from '../../../src/platform/config/load.ts';
import { systemClock } from '../../../src/platform/core/clock.ts';
import type { Service } from '../../../src/platform/core/service.ts';
import { createHttpService, type HttpService } from '../../../src/platform/http/server.ts';
import { silentLogger } from '../../../src/platform/telemetry/logger.ts';
import { createMetrics } from '../../../src/platform/telemetry/metrics.ts';
import { createAdmission } from '../../../src/router/admission/create-admission.ts';
import { authenticateWith } from '../../../src/router/api/authenticate.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';
import { makeKey } from './support.ts';

const masterKey = 'sb-master-key-5d1c9e8a27';

let database: TestDatabase;
let key: string;
let keyId: string;
const started: Service[] = [];
beforeAll(async () => {
  database = await createTestDatabase();
  ({ key, keyId } = await makeKey(database.pool));
});
afterAll(async () => {
  for (const service of started.toReversed()) await service.stop();
  await database.drop();
});

/** A server with the router's way of knowing callers, and routes that say who asks. */
async function startServer(master_key: string | undefined): Promise<HttpService> {
  const config = loadConfig({
    env: {},
    cwd: '/',
    flags: {
      ports: { router: 0 },
      authentication: { failures_per_minute: 1000 },
      ...(master_key === undefined ? {} : { master_key }),
    },
  });
  const common = { log: silentLogger(), metrics: createMetrics() };
  const admission = createAdmission({
    ...database,
    ...common,
    config: () => config,
    instanceId: 'auth',
    clock: systemClock,
  });
  const http = createHttpService({
    ...common,
    config: createLiveConfig(config),
    service: 'router',
    description: '',
    tags: [],
    checks: () => ({}),
    access: { 'GET /v1/models': ['call'], 'GET /route': ['call'], 'GET /race': ['call'] },
    authenticate: authenticateWith(admission),
    routes(app) {
      for (const url of ['/v1/models', '/route', '/race', '/admin', '/v1beside']) {
        app.get(url, { schema: { response: { 200: z.unknown() } } }, async (request) => request.caller);
      }
    },
  });
  for (const service of [admission, http]) {
    await service.start();
    started.push(service);
  }
  return http;
}

describe.each([
  ['where a master key is configured', masterKey],
  ['where none is', undefined],
] as const)('%s', (_name, configured) => {
  let base: string;
  beforeAll(async () => {
    base = `http://127.0.0.1:${(await startServer(configured)).port()}`;
  });
  const get = async (path: string, headers: Record<string, string>): Promise<{ status: number; body: unknown }> => {
    const response = await fetch(base + path, { headers });
    const text = await response.text();
    return { status: response.status, body: text.startsWith('{') ? JSON.parse(text) : text };
  };
  const ways = (text: string): Array<Record<string, string>> => [
    { authorization: `Bearer ${text}` },
    { 'x-api-key': text },
    { 'api-key': text },
  ];

  it('a virtual key is known in every way in which clients send one', async () => {
    for (const headers of ways(key)) {
      for (const path of ['/v1/models', '/route', '/race']) {
        expect(await get(path, headers)).toMatchObject({ status: 200, body: { keyId, teamId: null } });
      }
      expect((await get('/v1/nowhere', headers)).status).toBe(404);
      expect((await get('/nowhere', headers)).status).toBe(404);
    }
  });

  it('a wrong virtual key opens nothing', async () => {
    const wrong = [`${key}x`, key.slice(0, -1), 'sk-sb-', `sk-sb-${'A'.repeat(43)}`];
    for (const headers of wrong.flatMap(ways)) {
      for (const path of ['/v1/models', '/admin', '/metrics', '/nowhere']) {
        expect(await get(path, headers)).toMatchObject({ status: 401, body: { error: { code: 'unauthorized' } } });
      }
      expect((await get('/health', headers)).status).toBe(200);
    }
  });

  it('a virtual key opens what it is for', async () => {
    const expected = configured === undefined ? 200 : 401;
    for (const headers of ways(key)) {
      for (const path of ['/admin', '/v1beside', '/metrics', '//metrics', '/%6detrics', '/v1/../metrics']) {
        const { status } = await get(path, headers);
        expect([expected, 404], path).toContain(status);
      }
      expect((await get('/metrics', headers)).status).toBe(expected);
      expect((await get('/%6detrics', headers)).status).toBe(expected);
    }
  });

  it('everybody else is who the configuration says', async () => {
    for (const headers of [{}, ...ways('sk-other'), { authorization: 'Basic abc' }]) {
      expect(await get('/v1/models', headers)).toMatchObject(
        configured === undefined
          ? { status: 200, body: { keyId: null, hasBudget: false } }
          : { status: 401, body: { error: { code: 'unauthorized' } } },
      );
    }
    for (const headers of ways(masterKey)) {
      expect(await get('/admin', headers)).toMatchObject({ status: 200, body: { keyId: null } });
      expect((await get('/metrics', headers)).status).toBe(200);
    }
  });
});

it('is noted as use of the key', async () => {
  for (const service of started.splice(0).toReversed()) await service.stop();
  const { rows } = await database.pool.query<{ used: boolean }>(
    'select last_used_at is not null as used from virtual_keys where key_id = $1',
    [keyId],
  );
  expect(rows).toEqual([{ used: true }]);
});
