// The floor: node:http → undici → node:http, which looks at nothing. A process of its own; its argument is the upstream.
// As cheap as Node can: small bodies go on whole and large ones as they come, and an answer that came in one piece leaves
// in one piece with its head.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Pool } from 'undici';

const [origin = ''] = process.argv.slice(2);
const upstream = new Pool(origin, { connections: 256, keepAliveTimeout: 60_000, headersTimeout: 0, bodyTimeout: 0 });

/** Bodies above this come in several pieces, which cost more to put together than to pass on. */
const wholeBytes = 65_536;

function forward(request: IncomingMessage, response: ServerResponse, body: Buffer | IncomingMessage): void {
  let length = -1;
  const headers = ['content-type', 'application/json', 'content-length', request.headers['content-length'] ?? '0'];
  upstream.dispatch(
    { path: request.url ?? '/', method: 'POST', headers, body },
    {
      onRequestStart: () => undefined,
      onResponseStart(_controller, status, answered) {
        const type = String(answered['content-type']);
        if (answered['content-length'] === undefined) {
          response.writeHead(status, ['content-type', type]);
        } else {
          length = Number(answered['content-length']);
          response.writeHead(status, ['content-type', type, 'content-length', String(length)]);
        }
      },
      onResponseData(controller, chunk) {
        if (chunk.length === length) {
          response.end(chunk);
        } else if (!response.write(chunk)) {
          controller.pause();
          response.once('drain', () => controller.resume());
        }
      },
      onResponseEnd() {
        if (!response.writableEnded) response.end();
      },
      onResponseError: () => void response.destroy(),
    },
  );
}

const server = createServer((request, response) => {
  if (Number(request.headers['content-length']) > wholeBytes) {
    forward(request, response, request);
    return;
  }
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part));
  request.on('end', () => {
    const [only] = parts;
    forward(request, response, parts.length === 1 && only !== undefined ? only : Buffer.concat(parts));
  });
});
server.listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify({ ready: true, port: (server.address() as AddressInfo).port }));
});
process.on('SIGTERM', () => process.exit(0));
