import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import type { AddressInfo } from 'node:net';

/** A request that the upstream was sent. */
export interface Received {
  /** With its query. */
  path: string;
  headers: IncomingMessage['headers'];
  /** Byte for byte. */
  body: string;
}

/** A provider whose answers the test writes itself, byte by byte. */
export interface Upstream {
  /** An entry of `providers` in the configuration; the provider has the model `NAME-1`. */
  provider: Record<string, unknown>;
  /** How the next requests are answered. */
  answer: (response: ServerResponse, received: Received) => Promise<void> | void;
  requests: Received[];
  stop(): Promise<void>;
}

/** By default it is called `raw` and speaks OpenAI's chat completions and embeddings. */
export async function startUpstream({
  name = 'raw',
  kind = 'openai-compatible',
  more = {},
}: {
  name?: string;
  kind?: 'openai-compatible' | 'anthropic';
  more?: Record<string, unknown>;
} = {}): Promise<Upstream> {
  const server = createServer((request, response) => {
    void (async () => {
      if (request.method === 'GET') {
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify({ object: 'list', data: [{ id: `${name}-1`, object: 'model' }] }));
        return;
      }
      const { url: path = '', headers } = request;
      const received = { path, headers, body: (await buffer(request)).toString('utf8') };
      upstream.requests.push(received);
      await upstream.answer(response, received);
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const upstream: Upstream = {
    provider: { name, kind, base_url: `http://127.0.0.1:${port}/v1`, ...more },
    answer: (response) => answerJson(response, completion('ready')),
    requests: [],
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return upstream;
}

/** A chat completion with this text. */
export function completion(text: string): Record<string, unknown> {
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1,
    model: 'raw-1',
    choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 },
  };
}

/** One chunk of a stream with this delta. */
export function chunk(delta: Record<string, unknown>, finishReason: string | null = null): Record<string, unknown> {
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'raw-1',
    choices: [{ index: 0, delta, finish_reason: finishReason }],
  };
}

export function event(value: unknown): string {
  return `data: ${typeof value === 'string' ? value : JSON.stringify(value)}\n\n`;
}

export function answerJson(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

export function beginStream(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.flushHeaders();
}

/** Hands bytes to the network and lets the event loop turn, so that they leave in a packet of their own. */
export async function writeNow(response: ServerResponse, data: string | Uint8Array): Promise<void> {
  await new Promise<void>((resolve) => {
    response.write(data, () => setImmediate(resolve));
  });
}

/**
 * Answers the next request with `first`, and goes on when the returned function is called: what comes then cannot be read
 * together with it.
 */
export function answerInTwoParts(
  upstream: Upstream,
  first: string,
): (goOn: (response: ServerResponse) => void) => void {
  let goOn: (rest: (response: ServerResponse) => void) => void = () => undefined;
  const promise = new Promise<(response: ServerResponse) => void>((resolve) => {
    goOn = resolve;
  });
  upstream.answer = async (response) => {
    beginStream(response);
    await writeNow(response, first);
    const rest = await promise;
    rest(response);
  };
  return goOn;
}
