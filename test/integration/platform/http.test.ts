import { once } from 'node:events';
import { connect } from 'node:net';
import { Agent, request } from 'undici';
import { afterEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createLiveConfig } from '../../../src/platform/config/live.ts';
import { loadConfig } from '../../../src/platform/config/load.ts';
import { createHttpService, type HttpService } from '../../../src/platform/http/server.ts';
import type { ZodApp } from '../../../src/platform/http/zod-app.ts';
import { silentLogger } from '../../../src/platform/telemetry/logger.ts';
import { createMetrics } from '../../../src/platform/telemetry/metrics.ts';

let service: HttpService | undefined;
afterEach(async () => {
  await service?.stop();
  service = undefined;
});

async function start(routes: (app: ZodApp) => void, more: Record<string, unknown> = {}): Promise<string> {
  service = createHttpService({
    service: 'router',
    description: 'under test',
    config: createLiveConfig(
      loadConfig({
        env: {},
        cwd: '/',
        flags: {
          ports: { router: 0 },
          instance_id: 'test',
          body_limit_bytes: 1024,
          ...more,
        },
      }),
    ),
    log: silentLogger(),
    metrics: createMetrics(),
    checks: () => ({ database: { ok: false, detail: 'away' } }),
    tags: [],
    routes,
  });
  await service.start();
  return `http://127.0.0.1:${service.port()}`;
}

describe('what every service has', () => {
  test('health, readiness with its reason, metrics and OpenAPI', async () => {
    const url = await start((app) =>
      app.get('/thing/:id', { schema: { params: z.object({ id: z.string() }) } }, async () => 1),
    );
    const get = (path: string): Promise<Response> => fetch(url + path);
    expect((await get('/health')).status).toBe(200);
    expect((await get('/health/liveness')).status).toBe(200);
    const readiness = await get('/health/readiness');
    expect(readiness.status).toBe(503);
    expect(await readiness.json()).toMatchObject({
      status: 'degraded',
      checks: { database: { ok: false, detail: 'away' } },
    });
    expect(await (await get('/metrics')).text()).toContain('signalbox_http_request_duration_seconds_bucket');
    expect(await (await get('/openapi.json')).json()).toMatchObject({ paths: { '/thing/{id}': {}, '/health': {} } });
    expect((await get('/docs/')).headers.get('content-type')).toContain('text/html');
  });

  test('the place of a mistake, within a value of several kinds too', async () => {
    const part = z.looseObject({ type: z.string() });
    const content = z.union([z.string(), z.array(part)]);
    const items = z.union([z.string(), z.array(z.object({ role: z.enum(['a', 'b']), content }))]);
    const url = await start((app) => app.post('/typed', { schema: { body: z.object({ items }) } }, async () => 'ok'));
    const paramOf = async (value: unknown): Promise<unknown> => {
      const { body } = await request(`${url}/typed`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ items: value }),
      });
      return ((await body.json()) as { error: { param: unknown } }).error.param;
    };
    expect(await paramOf(7)).toBe('items');
    expect(await paramOf([{ role: 'king', content: 'x' }])).toBe('items[0].role');
    expect(await paramOf([{ role: 'a', content: [{ type: 'x' }, { text: 'x' }] }])).toBe('items[0].content[1].type');
  });

  test('errors in one shape', async () => {
    const url = await start((app) => {
      app.post('/typed', { schema: { body: z.object({ list: z.array(z.object({ n: z.int() })) }) } }, async () => 'ok');
      app.get('/broken', async () => {
        throw new Error('a secret detail');
      });
    });
    const post = (body: string, type = 'application/json'): Promise<Response> =>
      fetch(`${url}/typed`, { method: 'POST', body, headers: { 'content-type': type } });
    const cases: Array<[Promise<Response>, number, string, string | null]> = [
      [post('{"list":[{"n":1},{"n":"x"}]}'), 400, 'invalid_request', 'list[1].n'],
      [post('{"list":'), 400, 'invalid_json', null],
      [post('x', 'text/plain'), 415, 'unsupported_media_type', null],
      [post(`{"list":[],"pad":"${'x'.repeat(2000)}"}`), 413, 'payload_too_large', null],
      [fetch(`${url}/nowhere`), 404, 'not_found', null],
      [fetch(`${url}/broken`), 500, 'internal', null],
    ];
    for (const [answer, status, code, param] of cases) {
      const response = await answer;
      const text = await response.text();
      expect(response.status).toBe(status);
      expect(JSON.parse(text)).toMatchObject({ error: { code, param } });
      expect(text).not.toContain('secret detail');
    }
  });

  test('with a key, everything but health and the API page is closed', async () => {
    const key = 'a-key-of-sixteen-or-more';
    const url = await start((app) => app.get('/thing', async () => 'ok'), { master_key: key });
    const status = async (path: string, headers: Record<string, string> = {}): Promise<number> =>
      (await fetch(url + path, { headers })).status;
    for (const path of ['/thing', '/metrics', '/nowhere', '/healthy', '/health%2f..%2fthing']) {
      expect(await status(path), path).toBe(401);
    }
    for (const path of ['/health', '/docs/', '/openapi.json']) expect(await status(path), path).toBe(200);
    expect(await status('/health/liveness?probe=1')).toBe(200);
    expect(await status('/thing', { authorization: `Bearer ${key}` })).toBe(200);
    expect(await status('/thing', { 'x-api-key': key })).toBe(200);
    expect(await status('/thing', { authorization: `Bearer ${key}x` })).toBe(401);
    // Of a proxy in front.
    const basic = { authorization: `Basic ${btoa(`user:${key}`)}` };
    expect(await status('/thing', { ...basic, 'x-api-key': key })).toBe(200);
    expect(await status('/thing', basic)).toBe(401);
    expect(await status('/thing', { authorization: `Bearer ${key}x`, 'x-api-key': key })).toBe(401);
  });
});

test('a wrong key over a connection that is reset at once is refused, and ends nothing', async () => {
  const url = new URL(await start(() => undefined, { master_key: 'a-master-key-that-is-long' }));
  for (let attempt = 0; attempt < 20; attempt += 1) {
    const socket = connect(Number(url.port), url.hostname);
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    socket.write('GET /config HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer wrong\r\n\r\n');
    socket.resetAndDestroy();
    await once(socket, 'close');
  }
  const { statusCode } = await request(`${url.origin}/config`, { headers: { authorization: 'Bearer wrong' } });
  expect([401, 429]).toContain(statusCode);
});

describe('who sends slowly', () => {
  test.each([
    ['headers', 'POST /slow HTTP/1.1\r\nHost: localhost\r\nX-Drip: '],
    [
      'a body',
      'POST /slow HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n',
    ],
  ])('%s: is told so and cut off, but no answer is that lasts longer', async (_, beginning) => {
    let finish = (): void => undefined;
    const url = await start(
      (app) => {
        app.post('/slow', async () => 'ok');
        app.get('/stream', (_request, reply) => {
          reply.hijack();
          reply.raw.write('first ');
          finish = () => void reply.raw.end('last');
        });
      },
      { http: { headers_timeout_ms: 400, request_timeout_ms: 500 } },
    );
    const answer = await request(`${url}/stream`);
    // One that does not hang up by itself.
    const slow = connect({ port: Number(new URL(url).port), host: '127.0.0.1', allowHalfOpen: true });
    let received = '';
    slow.on('data', (bytes) => (received += String(bytes)));
    // It writes on when nobody listens any more.
    slow.on('error', () => undefined);
    slow.write(beginning);
    const drip = setInterval(() => slow.write('x'), 100);
    await new Promise((resolve) => slow.once('close', resolve));
    clearInterval(drip);
    finish();
    expect(await answer.body.text()).toBe('first last');
    expect(received).toMatch(/^HTTP\/1.1 408 [^]*"request_timeout"/);
  });
});

describe('a stop', () => {
  test('does not wait for connections that nobody uses: never used, or kept alive', async () => {
    const url = await start((app) => app.get('/thing', async () => 'ok'));
    const neverUsed = connect(Number(new URL(url).port), '127.0.0.1');
    await once(neverUsed, 'connect');
    const agent = new Agent({ keepAliveTimeout: 60_000 });
    await (await request(`${url}/thing`, { dispatcher: agent })).body.text();
    const closed = once(neverUsed, 'close');
    // Would take the drain time of 10 s, and so the test's, if either connection held it.
    await service?.stop();
    await closed;
    expect(neverUsed.destroyed).toBe(true);
    await agent.destroy();
  }, 5000);

  test('takes requests for the drain delay, says that it is not ready, and asks each connection to end', async () => {
    const url = await start((app) => app.get('/thing', async () => 'ok'), { drain_delay_ms: 500 });
    const agent = new Agent({ keepAliveTimeout: 60_000 });
    const ask = async (path: string): Promise<[number, unknown]> => {
      const { statusCode, headers, body } = await request(url + path, { dispatcher: agent });
      await body.text();
      return [statusCode, headers.connection];
    };
    expect(await ask('/thing')).toEqual([200, 'keep-alive']);
    const stopped = service?.stop();
    // Of these the first comes over the connection that was kept, the other over a new one.
    expect(await ask('/thing')).toEqual([200, 'close']);
    expect(await ask('/health/readiness')).toEqual([503, 'close']);
    await stopped;
    await expect(ask('/thing')).rejects.toThrow('ECONNREFUSED');
    await agent.destroy();
  });

  test('waits for the answers under way, on hijacked replies too', async () => {
    let finish = (): void => undefined;
    const url = await start((app) =>
      app.get('/stream', (_request, reply) => {
        reply.hijack();
        reply.raw.writeHead(200);
        reply.raw.write('first ');
        finish = () => void reply.raw.end('last');
      }),
    );
    const agent = new Agent({ keepAliveTimeout: 60_000 });
    const answer = await request(`${url}/stream`, { dispatcher: agent });
    const stopped = service?.stop();
    const refused = await fetch(`${url}/health`).then(
      () => false,
      () => true,
    );
    expect(refused).toBe(true);
    finish();
    expect(await answer.body.text()).toBe('first last');
    await stopped;
    await agent.destroy();
  }, 5000);
});
