import type { IncomingHttpHeaders } from 'node:http';
import { expect, test } from 'vitest';
import { refuseStrangePages } from './strange-pages.ts';

const isRefused = (method: string, headers: IncomingHttpHeaders): boolean => {
  try {
    refuseStrangePages({ method, headers }, ['box.example']);
    return false;
  } catch {
    return true;
  }
};

test.each([
  'localhost',
  'LOCALHOST:8001',
  'app.localhost',
  '127.0.0.1:8001',
  '[::1]:8001',
  '10.1.2.3',
  '',
  'host.docker.internal:8001',
  'gateway.containers.internal',
  'box.example:8001',
  'box.example.',
])('%j is a name of this machine', (host) => {
  expect(isRefused('GET', { host })).toBe(false);
});

test.each([
  'evil.example',
  'evil.example:8001',
  'localhost.evil.example',
  'xlocalhost',
  'internal.example',
  '127.0.0.1.nip.io',
  ':8001',
  'evil.example#localhost',
  'evil@localhost',
  '[evil.example]',
  'box.example.evil',
  'localhost:8001.evil.example',
])('%j is none', (host) => {
  expect(isRefused('GET', { host })).toBe(true);
});

const host = 'localhost:8001';
test.each<[IncomingHttpHeaders, boolean]>([
  [{}, false],
  [{ 'sec-fetch-site': 'same-origin', origin: 'http://localhost:5173' }, false],
  [{ 'sec-fetch-site': 'none' }, false],
  [{ origin: 'http://localhost:8001' }, false],
  [{ origin: 'chrome-extension://abcdef', 'sec-fetch-site': 'cross-site' }, false],
  [{ origin: 'app://obsidian.md' }, false],
  [{ origin: 'http://localhost:3000' }, true],
  [{ origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }, true],
  [{ origin: 'http://127.0.0.1:3000', 'sec-fetch-site': 'same-site' }, true],
  [{ origin: 'null' }, true],
  [{ 'sec-fetch-site': 'cross-site' }, true],
])('a change by %j', (headers, expected) => {
  expect(isRefused('POST', { host, ...headers })).toBe(expected);
  expect(isRefused('GET', { host, ...headers })).toBe(false);
});
