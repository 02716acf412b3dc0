import { gzipSync } from 'node:zlib';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestApp, startTestApp } from '../../support/app.ts';
import { sendBytes } from '../fuzz/malformed-bytes.ts';

const bodyLimitBytes = 65_536;
const question = JSON.stringify({ model: 'gpt-6-sol', messages: [{ role: 'user', content: 'What is 2 + 2?' }] });

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp({ config: { body_limit_bytes: bodyLimitBytes } });
});
afterAll(() => app.stop());

const host = 'Host: localhost\r\n';
/** What an attacker would have answered to somebody else. */
const hidden = `GET /v1/models/gpt-6-luna HTTP/1.1\r\n${host}\r\n`;
const chunked = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`;
const post = (headers: string, body: string): string =>
  `POST /v1/chat/completions HTTP/1.1\r\n${host}Content-Type: application/json\r\n${headers}\r\n${body}${hidden}`;
const length = `Content-Length: ${question.length}\r\n`;

async function statusesOf(bytes: string): Promise<number[]> {
  return (await sendBytes(app.url('router'), bytes)).map(({ status }) => status);
}

describe('a request whose end can be seen in two places', () => {
  test.each([
    ['both lengths', post(`${length}Transfer-Encoding: chunked\r\n`, chunked(question))],
    ['two lengths', post(`${length}Content-Length: 3\r\n`, question)],
    ['a list of lengths', post(`Content-Length: ${question.length}, ${question.length}\r\n`, question)],
    ['a length with a sign', post(`Content-Length: +${question.length}\r\n`, question)],
    ['an encoding that is hardly chunked', post('Transfer-Encoding: xchunked\r\n', chunked(question))],
    ['chunked, but not at last', post('Transfer-Encoding: chunked, identity\r\n', chunked(question))],
    ['a space before the colon', post('Transfer-Encoding : chunked\r\n', chunked(question))],
    ['a folded line', post('Transfer-Encoding:\r\n chunked\r\n', chunked(question))],
    ['line feeds alone', post(`X: y\n${length}`, question)],
    ['chunks with line feeds alone', post('Transfer-Encoding: chunked\r\n', chunked(question).replaceAll('\r', ''))],
  ])('%s: is refused, and what follows is not read', async (_, bytes) => {
    expect(await statusesOf(bytes)).toEqual([400]);
  });

  test('extensions of chunks are bounded', async () => {
    const extended = chunked(question).replace('\r\n', `;${'a'.repeat(40_000)}\r\n`);
    expect(await statusesOf(post('Transfer-Encoding: chunked\r\n', extended))).toEqual([413]);
  });

  test('after a body that is refused unread, what follows is not taken for a request', async () => {
    expect(await statusesOf(post(`Content-Length: ${bodyLimitBytes + 1}\r\n`, question))).toEqual([413]);
  });
});

describe('too much of it', () => {
  test.each([
    ['a header', `GET /health HTTP/1.1\r\n${host}X: ${'y'.repeat(20_000)}\r\n\r\n`],
    ['many headers', `GET /health HTTP/1.1\r\n${host}${'a: b\r\n'.repeat(5_000)}\r\n`],
    ['an address', `GET /${'y'.repeat(20_000)} HTTP/1.1\r\n${host}\r\n`],
  ])('%s: 431', async (_, bytes) => {
    const [answer, ...more] = await sendBytes(app.url('router'), bytes + hidden);
    expect(answer).toMatchObject({ status: 431, headers: { connection: 'close' } });
    expect(answer?.body).toContain('headers_too_large');
    expect(more).toEqual([]);
  });

  test('levels, a body that never ends, and one that would grow are refused by every service', async () => {
    for (const url of [app.url('router'), app.url('central')]) {
      const path = url === app.url('router') ? '/v1/chat/completions' : '/keys';
      const send = async (body: string | Uint8Array<ArrayBuffer>, headers = {}): Promise<[number, string]> => {
        const response = await fetch(url + path, {
          method: 'POST',
          body,
          headers: { 'content-type': 'application/json', ...headers },
        });
        const { error } = (await response.json()) as { error: { code: string } };
        return [response.status, error.code];
      };
      // Deep, and shorter than the limit of bodies.
      expect(await send('['.repeat(60_000))).toEqual([400, 'invalid_request']);
      expect(await send(new Uint8Array(gzipSync('0'.repeat(10_000_000))), { 'content-encoding': 'gzip' })).toEqual([
        415,
        'unsupported_media_type',
      ]);
      const endless = `POST ${path} HTTP/1.1\r\n${host}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`;
      const [answer] = await sendBytes(url, `${endless}${`8000\r\n${'0'.repeat(0x8000)}\r\n`.repeat(4)}`);
      expect(answer?.status).toBe(413);
    }
  });
});

test('keys that would change all objects are refused, in bodies and queries', async () => {
  for (const text of ['"__proto__":{"polluted":1}', '"constructor":{"prototype":{"polluted":1}}']) {
    const body = `{${text},${question.slice(1)}`;
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${app.url('router')}/v1/chat/completions`, { method: 'POST', body, headers });
    expect(answer.status).toBe(400);
  }
  expect((await fetch(`${app.url('central')}/decisions?__proto__[polluted]=1`)).status).toBe(400);
  expect(Object.keys(Object.prototype)).toEqual([]);
  expect('polluted' in {}).toBe(false);
});

test('pages of strangers reach no service, by whatever name they come', async () => {
  for (const [service, path] of [
    ['router', '/v1/models'],
    ['registry', '/models'],
    ['upgrade', '/candidates'],
    ['central', '/decisions'],
  ] as const) {
    // `fetch` would not let the test say under which name it asks.
    const statusOf = async (asked: string, headers: Record<string, string>): Promise<number> => {
      const { statusCode, body } = await request(app.url(service) + asked, { headers });
      await body.dump();
      return statusCode;
    };
    expect(await statusOf(path, { host: 'evil.example:8001' })).toBe(403);
    expect(await statusOf(path, { host: 'evil.example', 'x-forwarded-host': 'localhost' })).toBe(403);
    expect(await statusOf(path, { host: 'localhost:8001' })).toBe(200);
    expect(await statusOf('/health', { host: 'probe.example' })).toBe(200);
  }
  // A form needs no leave of the server's to be sent from anywhere.
  const form = new FormData();
  form.set('model', 'whisper-1');
  const answer = await fetch(`${app.url('router')}/v1/audio/transcriptions`, {
    method: 'POST',
    body: form,
    headers: { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
  });
  expect(answer.status).toBe(403);
});
