// The floor: a pass-through of node:http and undici that knows nothing of models. Run as a process of its own.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream';
import { Agent, request as call } from 'undici';

const [upstream = ''] = process.argv.slice(2);
const agent = new Agent({ connections: 256, keepAliveTimeout: 60_000 });

const server = createServer((request, response) => {
  call(`${upstream}${request.url ?? '/'}`, {
    method: 'POST',
    dispatcher: agent,
    headers: { 'content-type': 'application/json' },
    body: request,
  }).then(
    ({ statusCode, headers, body }) => {
      response.writeHead(statusCode, { 'content-type': String(headers['content-type']) });
      pipeline(body, response, () => undefined);
    },
    () => response.destroy(),
  );
});
server.listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify({ ready: true, port: (server.address() as AddressInfo).port }));
});
process.on('SIGTERM', () => process.exit(0));
