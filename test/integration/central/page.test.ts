import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { brotliCompressSync } from 'node:zlib';
import { Client } from 'undici';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { createAccess } from '../../../src/central/api/access.ts';
import { registerPage } from '../../../src/central/api/page.ts';
import { createLiveConfig } from '../../../src/platform/config/live.ts';
import { loadConfig } from '../../../src/platform/config/load.ts';
import { systemClock } from '../../../src/platform/core/clock.ts';
import { createHttpService, type HttpService } from '../../../src/platform/http/server.ts';
import { silentLogger } from '../../../src/platform/telemetry/logger.ts';
import { createMetrics } from '../../../src/platform/telemetry/metrics.ts';

const script = 'console.log("a script that is long enough to be worth compressing");';
const config = loadConfig({ env: {}, cwd: '/', flags: { ports: { central: 0 }, allowed_hosts: ['box.example'] } });

let folder: string;
let http: HttpService;

/** A central of nothing but the page and one route that changes something; without a master key. */
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'signalbox-page-'));
  await mkdir(path.join(folder, 'assets'));
  await writeFile(path.join(folder, 'index.html'), '<!doctype html><title>Signalbox</title>');
  await writeFile(path.join(folder, 'assets/app-abc123.js'), script);
  await writeFile(path.join(folder, 'assets/app-abc123.js.br'), brotliCompressSync(script));
  const access = createAccess(() => config, systemClock);
  http = createHttpService({
    service: 'central',
    description: 'the page',
    tags: [],
    config: createLiveConfig(config),
    log: silentLogger(),
    metrics: createMetrics(),
    checks: () => ({}),
    authenticate: (asked) => access.authenticate(asked),
    routes(app) {
      registerPage(app, folder);
      app.post('/change', { schema: { body: z.unknown(), response: { 200: z.string() } } }, async () => 'changed');
    },
  });
  await http.start();
});
afterAll(async () => {
  await http.stop();
  await rm(folder, { recursive: true });
});

it('serves the page anew and its assets for ever, compressed as the browser likes', async () => {
  const url = `http://127.0.0.1:${http.port()}`;
  const page = await fetch(url);
  expect([page.headers.get('content-type'), page.headers.get('cache-control')]).toEqual([
    'text/html; charset=utf-8',
    'no-cache',
  ]);
  expect(await page.text()).toContain('<title>Signalbox</title>');
  for (const [accepted, encoding] of [
    ['br, gzip', 'br'],
    ['identity', null],
  ] as const) {
    const asset = await fetch(`${url}/assets/app-abc123.js`, { headers: { 'accept-encoding': accepted } });
    expect(asset.headers.get('content-encoding')).toBe(encoding);
    expect(asset.headers.get('content-type')).toContain('javascript');
    expect(asset.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(await asset.text()).toBe(script);
  }
  const missing = ['/assets/gone.js', '/assets/..%2findex.html', '/index.html'].map((file) => fetch(url + file));
  const answers = await Promise.all(missing);
  expect(answers.map(({ status }) => status)).toEqual([404, 400, 404]);
  // Another version of the page may have it a moment later.
  for (const { headers } of answers) expect(headers.get('cache-control')).toBeNull();
});

it('serves no file but those of the page, however it is asked for', async () => {
  await writeFile(path.join(folder, 'secret.txt'), 'secret');
  const up = ['..', '%2e%2e', '%252e%252e', '.%2e', '..;', '..%00', '%c0%ae%c0%ae'];
  const slash = ['/', '%2f', '%252f', '\\', '%5c', '//', '%c0%af'];
  const file = path.join(folder, 'secret.txt');
  const asked = [
    ...up.flatMap((dots) => slash.map((line) => `/assets/${dots}${line}secret.txt`)),
    ...slash.map((line) => `/assets${line}${file}`),
    `/assets/app-abc123.js%00/../../secret.txt`,
    `/assets/file:%2f%2f${file}`,
  ];
  const client = new Client(`http://127.0.0.1:${http.port()}`);
  for (const target of asked) {
    // Not by URL, which would resolve the path before it is sent.
    const { statusCode, body } = await client.request({ path: target, method: 'GET' });
    expect([target, (await body.text()) === 'secret' || statusCode < 400]).toEqual([target, false]);
  }
  await client.close();
});

/** Unlike `fetch`, it lets the test say what a browser would say of itself. */
function change(headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        port: http.port(),
        host: '127.0.0.1',
        path: '/change',
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
      },
      (answer) => void text(answer).then(() => resolve(answer.statusCode ?? 0), reject),
    );
    asked.on('error', reject);
    asked.end('{}');
  });
}

it('lets programs and its own page change something without a key, and no other page', async () => {
  const host = `127.0.0.1:${http.port()}`;
  expect(await change({})).toBe(200);
  expect(await change({ host, origin: `http://${host}` })).toBe(200);
  expect(await change({ host: `localhost:${http.port()}`, 'sec-fetch-site': 'same-origin' })).toBe(200);
  expect(await change({ host: 'box.example:8003', origin: 'http://box.example:8003' })).toBe(200);
  expect(await change({ host: 'box.example:8003', origin: 'http://evil.example' })).toBe(403);
  expect(await change({ host, origin: 'http://evil.example' })).toBe(403);
  expect(await change({ host, 'sec-fetch-site': 'cross-site' })).toBe(403);
  // A name of another site that leads to this machine: the browser takes the two for one site.
  expect(await change({ host: 'evil.example:8003', origin: 'http://evil.example:8003' })).toBe(403);
});
