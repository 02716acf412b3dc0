// The floor: node:http → undici → node:http, which looks at nothing. A process of its own; its argument is the upstream.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Agent } from 'undici';

const [origin = ''] = process.argv.slice(2);
const agent = new Agent({ connections: 256, keepAliveTimeout: 60_000 });

const server = createServer((request, response) => {
  agent.dispatch(
    {
      origin,
      path: request.url ?? '/',
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': request.headers['content-length'] ?? '0' },
      body: request,
    },
    {
      onRequestStart: () => undefined,
      onResponseStart(_controller, status, { 'content-type': type, 'content-length': length }) {
        if (length !== undefined) response.setHeader('content-length', length);
        response.writeHead(status, { 'content-type': String(type) });
      },
      onResponseData(controller, chunk) {
        if (response.write(chunk)) return;
        controller.pause();
        response.once('drain', () => controller.resume());
      },
      onResponseEnd: () => void response.end(),
      onResponseError: () => void response.destroy(),
    },
  );
});
server.listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify({ ready: true, port: (server.address() as AddressInfo).port }));
});
process.on('SIGTERM', () => process.exit(0));
