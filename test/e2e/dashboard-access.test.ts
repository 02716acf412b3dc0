import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ErrorBody } from '../../src/contracts/api.ts';
import type { Session } from '../../src/contracts/dashboard-session.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { getJson, patience, user } from './requests.ts';
import { answerInTwoParts, beginStream, chunk, event, startUpstream, type Upstream } from './upstream.ts';

const masterKey = 'sb-master-key-81c0ffee55';
const readKey = 'sb-read-only-key-0ddba11';

let upstream: Upstream;
let app: TestApp;
let central: string;

beforeAll(async () => {
  upstream = await startUpstream();
  app = await startTestApp({
    config: {
      providers: [upstream.provider],
      master_key: masterKey,
      read_key: readKey,
      retries: { same_model: 0 },
      // Nobody listens there.
      dashboard: { registry_url: 'http://127.0.0.1:1', trust_proxy: true },
    },
  });
  central = app.url('central');
});
afterAll(async () => {
  await app.stop();
  await upstream.stop();
});

async function call(path: string, init: { method?: string; headers?: Record<string, string>; body?: unknown } = {}) {
  const { method = 'GET', headers = {}, body } = init;
  const response = await fetch(central + path, {
    method,
    headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const code = text.startsWith('{"error":') ? (JSON.parse(text) as ErrorBody).error.code : null;
  return { status: response.status, code, headers: response.headers, text };
}

async function logIn(
  key: string,
  headers: Record<string, string> = {},
): Promise<{ cookie: string; setCookie: string }> {
  const { status, headers: answered } = await call('/session', { method: 'POST', headers, body: { key } });
  expect(status).toBe(200);
  const setCookie = answered.get('set-cookie') ?? '';
  return { cookie: setCookie.split(';')[0] ?? '', setCookie };
}

const own = { 'sec-fetch-site': 'same-origin' };
const route = { query: 'What is the capital of France?' };

describe('a session', () => {
  it('is a cookie that no script can read, no other site sends, and that ends', async () => {
    const { setCookie, cookie } = await logIn(masterKey);
    expect(setCookie).toMatch(/^signalbox_session=[^;]+; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict$/);
    expect((await logIn(masterKey, { 'x-forwarded-proto': 'https' })).setCookie).toContain('; Secure');
    expect(setCookie).not.toContain(masterKey);

    const session = await getJson<Session>(`${central}/session`, { headers: { cookie } });
    expect(session).toEqual({ key_required: true, role: 'admin', expires_at: expect.any(String) as string });
    expect(await getJson<Session>(`${central}/session`)).toMatchObject({ key_required: true, role: null });
    const left = await call('/session', { method: 'DELETE', headers: { cookie, ...own } });
    expect([left.status, left.headers.get('set-cookie')]).toEqual([204, expect.stringContaining('Max-Age=0')]);
  });

  it('opens nothing when it is forged, changed or expired', async () => {
    const { cookie } = await logIn(readKey);
    const [, value = ''] = cookie.split('=');
    const [, expiry = '', signature = ''] = value.split('.');
    const forged = [
      `admin.${expiry}.${signature}`,
      `read.${Number(expiry) + 1}.${signature}`,
      `read.${expiry}.`,
      `read.${expiry}`,
      'read.0.',
      `.${value}`,
      '',
    ];
    for (const text of forged) {
      const { status, code } = await call('/overview', { headers: { cookie: `signalbox_session=${text}` } });
      expect([text, status, code]).toEqual([text, 401, 'unauthorized']);
    }
    expect((await call('/overview', { headers: { cookie } })).status).toBe(200);
  });

  it('is not used by the pages of other sites', async () => {
    const { cookie } = await logIn(masterKey);
    const scores = { method: 'POST', body: { to: 'catalogue' } };
    const host = new URL(central).host;
    const refused: Array<Record<string, string>> = [
      {},
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site', origin: `http://${host}` },
      { origin: 'http://evil.example' },
      { origin: `http://${host}.evil.example` },
      { origin: 'null' },
    ];
    for (const headers of refused) {
      const { status, code } = await call('/scores/restore', { ...scores, headers: { cookie, ...headers } });
      expect([headers, status, code]).toEqual([headers, 403, 'forbidden']);
    }
    const allowed: Array<Record<string, string>> = [own, { origin: `http://${host}` }];
    for (const headers of allowed) {
      expect((await call('/scores/restore', { ...scores, headers: { cookie, ...headers } })).status).toBe(200);
    }
    // Nor is one begun there.
    const foreign = { method: 'POST', headers: { 'sec-fetch-site': 'cross-site' }, body: { key: masterKey } };
    expect(await call('/session', foreign)).toMatchObject({ status: 403, code: 'forbidden' });
  });
});

describe('the read-only key', () => {
  it('shows everything and changes nothing, as a key and as a session', async () => {
    const { cookie } = await logIn(readKey);
    const ways: Array<Record<string, string>> = [{ authorization: `Bearer ${readKey}` }, { cookie, ...own }];
    for (const headers of ways) {
      for (const path of ['/overview', '/keys', '/services/upgrade/candidates']) {
        expect((await call(path, { headers })).status).toBe(200);
      }
      expect((await call('/services/router/route', { method: 'POST', headers, body: route })).status).toBe(200);
      for (const [method, path, body] of [
        ['POST', '/keys', { name: 'mine' }],
        ['POST', '/scores/restore', { to: 'catalogue' }],
        ['POST', '/services/router/v1/chat/completions', { model: 'raw-1', messages: user('Hello') }],
        ['POST', '/services/upgrade/discover', {}],
      ] as const) {
        const answer = await call(path, { method, headers, body });
        expect([path, answer.status, answer.code]).toEqual([path, 403, 'forbidden']);
      }
    }
  });

  it('opens no other service', async () => {
    for (const service of ['router', 'registry', 'upgrade'] as const) {
      const path = service === 'router' ? '/v1/models' : service === 'registry' ? '/models' : '/candidates';
      const response = await fetch(app.url(service) + path, { headers: { authorization: `Bearer ${readKey}` } });
      expect([service, response.status]).toEqual([service, 401]);
    }
  });
});

it('lets an address try ten wrong keys a minute, whatever the eleventh is', async () => {
  const headers = { 'x-forwarded-for': '203.0.113.7' };
  for (let tries = 0; tries < 10; tries += 1) {
    const wrong = await call('/session', { method: 'POST', headers, body: { key: `wrong-${tries}` } });
    expect([wrong.status, wrong.code]).toEqual([401, 'unauthorized']);
  }
  const refused = await call('/session', { method: 'POST', headers, body: { key: masterKey } });
  expect([refused.status, refused.code]).toEqual([429, 'rate_limited']);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  await logIn(masterKey);
});

describe('other services through central', () => {
  const headers = { authorization: `Bearer ${masterKey}` };

  it('answer a stream as it comes', async () => {
    const goOn = answerInTwoParts(upstream, event(chunk({ role: 'assistant', content: 'first' })));
    const response = await fetch(`${central}/services/router/v1/chat/completions`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'raw-1', stream: true, messages: user('Hello') }),
    });
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    expect(response.headers.get('x-signalbox-model')).toBe('raw-1');
    let text = '';
    for await (const bytes of response.body ?? []) {
      text += Buffer.from(bytes).toString();
      // What comes after it is sent only now: the first part was not held back.
      if (text.includes('first')) {
        goOn((answer) => answer.end(event(chunk({ content: 'second' }, 'stop')) + event('[DONE]')));
      }
    }
    expect(text).toContain('second');
  });

  it('end their work when the client leaves', async () => {
    const ended = new Promise<void>((resolve) => {
      upstream.answer = (response) => {
        beginStream(response);
        response.write(event(chunk({ role: 'assistant', content: 'and on' })));
        response.once('close', resolve);
      };
    });
    const leaving = new AbortController();
    const response = await fetch(`${central}/services/router/v1/chat/completions`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'raw-1', stream: true, messages: user('Hello') }),
      signal: leaving.signal,
    });
    await response.body?.getReader().read();
    leaving.abort();
    await expect(ended).resolves.toBeUndefined();
  });

  it('are named where they are away, and nothing else goes through', async () => {
    const away = await call('/services/registry/models', { headers });
    expect([away.status, away.code]).toEqual([502, 'service_unreachable']);
    expect(away.text).toContain('the registry does not answer');
    const wrong = await call('/services/router/route', { method: 'POST', headers, body: { query: 7 } });
    expect([wrong.status, wrong.code]).toEqual([400, 'invalid_request']);
    for (const path of [
      '/services/router/metrics',
      '/services/upgrade/candidates/..%2f..%2fmetrics',
      '/services/central/keys',
    ]) {
      expect([path, (await call(path, { headers })).status]).toEqual([path, 404]);
    }
  });
});

describe('live events', () => {
  const headers = { authorization: `Bearer ${masterKey}` };

  it('tell of the moment and of what changes, as long as the client stays', async () => {
    const leaving = new AbortController();
    const response = await fetch(`${central}/live`, { headers, signal: leaving.signal });
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    const decoder = new TextDecoder();
    let text = '';
    const reading = (async () => {
      for await (const bytes of response.body ?? []) text += decoder.decode(bytes, { stream: true });
    })().catch(() => undefined);
    await vi.waitFor(() => expect(text).toMatch(/event: overview\ndata: \{"at":/), patience);
    await call('/keys', { method: 'POST', headers, body: { name: 'seen' } });
    await vi.waitFor(() => expect(text).toMatch(/event: changed\ndata: \{"topics":\[[^\]]*"keys"/), patience);
    leaving.abort();
    await reading;
  });

  it('are for a hundred listeners at the most', async () => {
    const leaving = new AbortController();
    const listen = (): Promise<Response> => fetch(`${central}/live`, { headers, signal: leaving.signal });
    const answers = await Promise.all(Array.from({ length: 101 }, listen));
    const refused = answers.filter(({ status }) => status !== 200);
    expect(refused.map(({ status }) => status)).toEqual([429]);
    leaving.abort();
    await vi.waitFor(async () => {
      const again = await fetch(`${central}/live`, { headers });
      await again.body?.cancel();
      expect(again.status).toBe(200);
    }, patience);
  });
});

it('serves the page to all, with headers that keep foreign scripts out', async () => {
  const { status, headers } = await call('/');
  expect(status).toBe(200);
  expect(headers.get('content-security-policy')).toContain("script-src 'self'");
  expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('referrer-policy')).toBe('no-referrer');
});

it('stops although somebody listens', async () => {
  const response = await fetch(`${central}/live`, { headers: { authorization: `Bearer ${masterKey}` } });
  const reading = response.text();
  await app.stop();
  expect(await reading).toContain('event: overview');
});
