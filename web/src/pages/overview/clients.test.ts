import { expect, it } from 'vitest';
import { clientAddress } from './clients.ts';

it.each([
  ['http://127.0.0.1:8001', 'gateway.example', 'http://gateway.example:8001'],
  ['http://127.0.0.1:8001', 'localhost', 'http://localhost:8001'],
  ['https://llm.example/', 'gateway.example', 'https://llm.example'],
  [null, 'gateway.example', 'http://gateway.example:8001'],
])('a router at %s is, for a client that sees the page at %s, at %s', (router, page, address) => {
  expect(clientAddress(router, page)).toBe(address);
});
