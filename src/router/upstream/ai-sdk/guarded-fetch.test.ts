import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createGuardedFetch } from './guarded-fetch.ts';

const maxBytes = 100_000;
const guardedFetch = createGuardedFetch(maxBytes);
let server: Server;
let answer: { type: string; body: string | Uint8Array };

beforeAll(async () => {
  server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': answer.type, 'content-encoding': 'gzip' });
    response.end(gzipSync(answer.body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

async function read(type: string, body: string | Uint8Array): Promise<number> {
  answer = { type, body };
  const response = await guardedFetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return (await response.bytes()).length;
}

test('a whole answer is bounded as it is after decompression', async () => {
  expect(await read('application/json', 'a'.repeat(maxBytes))).toBe(maxBytes);
  await expect(read('application/json', 'a'.repeat(10_000_000))).rejects.toThrow('longer than');
});

test('a stream may be long, but none of its events', async () => {
  const event = `data: ${'a'.repeat(maxBytes / 2)}\n\n`;
  expect(await read('text/event-stream', event.repeat(10))).toBe(event.length * 10);
  await expect(read('text/event-stream', `${event}data: ${'a'.repeat(10_000_000)}`)).rejects.toThrow('longer than');
});

test('so may a stream of Amazon, whose events say their length', async () => {
  const type = 'application/vnd.amazon.eventstream';
  const frame = (bytes: number): Buffer => {
    const all = Buffer.alloc(bytes, 'a');
    all.writeUInt32BE(bytes);
    return all;
  };
  const frames = Buffer.concat(Array.from({ length: 30 }, (_, index) => frame(50_001 + index)));
  expect(await read(type, frames)).toBe(frames.length);
  await expect(read(type, Buffer.concat([frames, frame(maxBytes + 1)]))).rejects.toThrow('longer than');
});
