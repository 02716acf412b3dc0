import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.ts';

/** The faults of docs/failures.md, made to happen. The table there is the expectation. */

const tokens = Array.from({ length: 60 }, (_, index) => `word${index} `);
const shortMs = 300;

type Dialect = 'openai' | 'anthropic';
type SurfaceName = 'chat' | 'messages' | 'responses';

const words: Record<Dialect, { whole: string; first: string[]; token(text: string): string; last: string[] }> = {
  openai: {
    whole: JSON.stringify({
      id: 'chatcmpl-1',
      object: 'chat.completion',
      created: 1,
      model: 'm',
      choices: [{ index: 0, message: { role: 'assistant', content: tokens.join('') }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 5, completion_tokens: 60, total_tokens: 65 },
    }),
    first: [chunk({ role: 'assistant', content: '' })],
    token: (content) => chunk({ content }),
    last: [chunk({}, 'stop'), 'data: [DONE]\n\n'],
  },
  anthropic: {
    whole: JSON.stringify({
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model: 'm',
      content: [{ type: 'text', text: tokens.join('') }],
      stop_reason: 'end_turn',
      stop_sequence: null,
      usage: { input_tokens: 5, output_tokens: 60 },
    }),
    first: [
      named('message_start', {
        message: {
          id: 'msg_1',
          type: 'message',
          role: 'assistant',
          model: 'm',
          content: [],
          stop_reason: null,
          stop_sequence: null,
          usage: { input_tokens: 5, output_tokens: 0 },
        },
      }),
      named('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
    ],
    token: (text) => named('content_block_delta', { index: 0, delta: { type: 'text_delta', text } }),
    last: [
      named('content_block_stop', { index: 0 }),
      named('message_delta', {
        delta: { stop_reason: 'end_turn', stop_sequence: null },
        usage: { output_tokens: 60 },
      }),
      named('message_stop', {}),
    ],
  },
};

function chunk(delta: object, finishReason: string | null = null): string {
  const choices = [{ index: 0, delta, finish_reason: finishReason }];
  return `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'm', choices })}\n\n`;
}

function named(type: string, more: object): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`;
}

interface Call {
  response: ServerResponse;
  dialect: Dialect;
  stream: boolean;
}
type Behaviour = (call: Call) => Promise<void> | void;

const write = (response: ServerResponse, text: string): Promise<void> =>
  new Promise((resolve) => {
    response.write(text, () => setImmediate(resolve));
  });

function begin({ response, stream }: Call): void {
  response.writeHead(200, { 'content-type': stream ? 'text/event-stream' : 'application/json' });
  response.flushHeaders();
}

async function answerWell(call: Call): Promise<void> {
  const { response, dialect, stream } = call;
  const { whole, first, token, last } = words[dialect];
  begin(call);
  response.end(stream ? [...first, ...tokens.map(token), ...last].join('') : whole);
}

/** The beginning of the answer: 40 tokens of it where it is streamed, as many bytes where it is not. */
async function answerPartly(call: Call): Promise<void> {
  const { response, dialect, stream } = call;
  const { whole, first, token } = words[dialect];
  begin(call);
  await write(response, stream ? [...first, ...tokens.slice(0, 40).map(token)].join('') : whole.slice(0, 200));
  // What comes next is not to be read together with it.
  await new Promise((resolve) => setTimeout(resolve, 30));
}

const status =
  (code: number, headers: Record<string, string> = {}): Behaviour =>
  ({ response }) => {
    const error = { type: 'error', error: { type: 'some_error', message: `says ${code}`, param: null, code: 'c' } };
    response.writeHead(code, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(error));
  };

const html =
  (code: number): Behaviour =>
  ({ response }) => {
    response.writeHead(code, { 'content-type': 'text/html' });
    response.end('<html><body><h1>Bad gateway</h1></body></html>');
  };

const malformed = 'data: {"choices":[{"delta":{"content":\n\n';

const faults: Record<string, Behaviour> = {
  'resets before its headers': ({ response }) => void response.destroy(),
  'resets after its headers': (call) => {
    begin(call);
    setTimeout(() => call.response.destroy(), 10);
  },
  'answers 401': status(401),
  'answers 429 with Retry-After: 7': status(429, { 'retry-after': '7' }),
  'answers 429 without Retry-After': status(429),
  'answers 500': status(500),
  'answers 503': status(503),
  'answers 529': status(529),
  'answers 502 with an HTML page': html(502),
  'answers 200 with an HTML page': html(200),
  'answers 400': status(400),
  'is silent': () => undefined,
  'sends a malformed event first': async (call) => {
    if (!call.stream) return answerWell(call);
    begin(call);
    call.response.end(malformed + words[call.dialect].last.join(''));
  },
  'sends a malformed event after 40 tokens': async (call) => {
    if (!call.stream) return answerWell(call);
    await answerPartly(call);
    const { token, last } = words[call.dialect];
    call.response.end(malformed + tokens.slice(40).map(token).join('') + last.join(''));
  },
  'closes after 40 tokens': async (call) => {
    await answerPartly(call);
    call.response.end();
  },
  'resets after 40 tokens': async (call) => {
    await answerPartly(call);
    call.response.destroy();
  },
  'is silent after 40 tokens': answerPartly,
};

let behave: Behaviour = answerWell;
let calls: string[] = [];
let closed = 0;
const server = createServer((request, response) => void handle(request, response));

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method === 'GET') {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end('{"object":"list","data":[]}');
    return;
  }
  let text = '';
  for await (const part of request) text += String(part);
  const body = JSON.parse(text) as { model: string; stream?: boolean };
  const dialect: Dialect = request.url?.startsWith('/v1/messages') === true ? 'anthropic' : 'openai';
  calls.push(body.model);
  response.once('close', () => (closed += 1));
  const call = { response, dialect, stream: body.stream === true };
  await (body.model === 'good' ? answerWell(call) : behave(call));
}

let app: TestApp;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const base_url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  const nobody = 'http://127.0.0.1:9/v1';
  const all = (ms: number) => ({ simple: ms, medium: ms, complex: ms });
  app = await startTestApp({
    config: {
      providers: [
        { name: 'bytes', kind: 'openai-compatible', base_url, models: ['bad', 'good'] },
        { name: 'claude', kind: 'anthropic', api_key: 'k', base_url, models: ['bad', 'good'] },
        { name: 'nobody-bytes', kind: 'openai-compatible', base_url: nobody, models: ['bad'] },
        { name: 'nobody-claude', kind: 'anthropic', api_key: 'k', base_url: nobody, models: ['bad'] },
      ],
      deadlines: { first_token_ms: all(shortMs), complete_ms: all(shortMs), stream_idle_ms: shortMs },
      retries: { same_model: 1, backoff_ms: 1 },
      // Each case breaks the same provider anew.
      resilience: {
        ejection: { max_ejected_share: 0, consecutive_failures: 1000, min_requests: 100_000 },
        throttle: { enabled: false },
        retry_budget: { min_per_second: 1000 },
      },
    },
  });
});
afterAll(async () => {
  await app.stop();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});
beforeEach(() => {
  behave = answerWell;
  calls = [];
  closed = 0;
});

interface Seen {
  status: number;
  retryAfter: string | null;
  /** The code of the error document, or of the error event that ended the stream; Anthropic's type on its surface. */
  error: string | null;
  tokens: number;
  /** Whether the answer came to its own end. */
  isComplete: boolean;
  hasProvidersWords: boolean;
  hasMalformedEvent: boolean;
}

const requests: Record<SurfaceName, (model: string, more: object) => { path: string; body: object }> = {
  chat: (model, more) => ({
    path: '/v1/chat/completions',
    body: { model, messages: [{ role: 'user', content: 'Hello' }], ...more },
  }),
  messages: (model, more) => ({
    path: '/v1/messages',
    body: { model, max_tokens: 1000, messages: [{ role: 'user', content: 'Hello' }], ...more },
  }),
  responses: (model, more) => ({ path: '/v1/responses', body: { model, input: 'Hello', ...more } }),
};

async function send(surface: SurfaceName, model: string, more: object, signal?: AbortSignal): Promise<Response> {
  const { path, body } = requests[surface](model, more);
  return fetch(`${app.url('router')}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    ...(signal === undefined ? {} : { signal }),
  });
}

async function look(surface: SurfaceName, model: string, more: object): Promise<Seen> {
  const response = await send(surface, model, more);
  const text = await response.text();
  const isStream = response.headers.get('content-type')?.includes('event-stream') === true;
  const errors = [...text.matchAll(/"error":\{[^}]*"type":"(\w+)"[^}]*\}/g)].map(([whole, type = '']) =>
    surface === 'messages' ? type : (/"code":"(\w+)"/.exec(whole)?.[1] ?? type),
  );
  const ofResponses = /event: error\ndata: .*"code":"(\w+)"/.exec(text)?.[1];
  const ends = {
    chat: '"finish_reason":"stop"',
    messages: '"stop_reason":"end_turn"',
    responses: isStream ? '"type":"response.completed"' : '"status":"completed"',
  };
  return {
    status: response.status,
    retryAfter: response.headers.get('retry-after'),
    error: (isStream ? (ofResponses ?? errors.at(-1)) : errors[0]) ?? null,
    // Responses repeat the whole text at their end.
    tokens: new Set(text.match(/word\d+ /g) ?? []).size,
    isComplete: text.includes(ends[surface]),
    hasProvidersWords: text.includes('says 400'),
    hasMalformedEvent: text.includes(malformed.trim()),
  };
}

/** Rows of the table: what the documentation says that clients see. */
interface Row {
  fault: string;
  whole: string;
  stream: string;
  calls: number;
  withAnother: string;
}

const rows: Row[] = readFileSync(new URL('../../docs/failures.md', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| the provider'))
  .map((line) => {
    const [fault = '', whole = '', stream = '', count = '', withAnother = ''] = line
      .slice(2, -2)
      .split('|')
      .map((cell) => cell.trim());
    return { fault, whole, stream, calls: Number(count), withAnother };
  });

const anthropicTypes: Record<string, string> = {
  upstream_failed: 'api_error',
  upstream_auth_failed: 'api_error',
  upstream_overloaded: 'overloaded_error',
  deadline_exceeded: 'timeout_error',
  rate_limited: 'rate_limit_error',
};

/** What a cell of the table says that the client sees. */
function expected(cell: string, surface: SurfaceName, isPassedThrough: boolean): Partial<Seen> {
  const code = /`(\w+)`/.exec(cell)?.[1];
  const wait = /retry-after (\d+)/.exec(cell)?.[1];
  const error = (name: string): string => (surface === 'messages' ? (anthropicTypes[name] ?? name) : name);
  const seen: Partial<Seen> = {
    status: Number(cell.slice(0, 3)),
    ...(code === undefined ? {} : { error: error(code) }),
    ...(wait === undefined ? {} : { retryAfter: wait }),
  };
  if (cell.includes('provider’s words')) return { ...seen, hasProvidersWords: true };
  if (cell.includes('then broken')) {
    return isPassedThrough
      ? { ...seen, isComplete: true, tokens: 60, hasMalformedEvent: true }
      : { ...seen, isComplete: false, tokens: 40, error: error('upstream_failed') };
  }
  if (cell.includes('40 tokens')) return { ...seen, tokens: 40, isComplete: false };
  return cell.includes('whole') ? { ...seen, tokens: 60, isComplete: true, error: null } : seen;
}

it('the table names every fault that is tried here', () => {
  const tried = ['refuses the connection', ...Object.keys(faults)];
  expect(rows.map((row) => row.fault).toSorted()).toEqual(tried.toSorted());
});

const surfaces: SurfaceName[] = ['chat', 'messages', 'responses'];

describe.each(surfaces)('on %s', (surface) => {
  describe.each([
    ['bytes', surface === 'chat'],
    ['claude', surface === 'messages'],
  ])('with the provider %s', (provider, isPassedThrough) => {
    describe.each(rows)('that $fault', (row) => {
      const isAway = row.fault === 'refuses the connection';
      const model = `${isAway ? 'nobody-' : ''}${provider}/bad`;
      beforeEach(() => {
        behave = faults[row.fault] ?? answerWell;
      });

      it(`a whole answer is ${row.whole}`, async () => {
        expect(await look(surface, model, {})).toMatchObject(expected(row.whole, surface, isPassedThrough));
      });

      it(`a stream is ${row.stream}, after ${row.calls} calls`, async () => {
        const seen = await look(surface, model, { stream: true });
        expect(seen).toMatchObject(expected(row.stream, surface, isPassedThrough));
        expect(calls).toHaveLength(isAway ? 0 : row.calls);
      });

      it(`with another model it is ${row.withAnother}`, async () => {
        for (const stream of [true, false]) {
          const seen = await look(surface, model, {
            stream,
            models: [`${provider === 'bytes' ? 'claude' : 'bytes'}/good`],
          });
          const isWellEnded = row.withAnother === 'answered' || (!stream && row.withAnother === 'the same');
          const cell = isWellEnded ? '200, whole' : row.withAnother === 'the same' ? row.stream : row.withAnother;
          expect(seen).toMatchObject(expected(cell, surface, isPassedThrough));
        }
      });
    });

    it('a client that leaves ends the call', async () => {
      behave = answerPartly;
      const client = new AbortController();
      const response = await send(surface, `${provider}/bad`, { stream: true }, client.signal);
      const reader = response.body?.getReader();
      await reader?.read();
      client.abort();
      await expect.poll(() => closed, { timeout: 2000 }).toBe(1);

      behave = () => undefined;
      const waiting = new AbortController();
      const early = send(surface, `${provider}/bad`, {}, waiting.signal).catch(() => 'left');
      await expect.poll(() => calls.length, { timeout: 2000 }).toBe(2);
      waiting.abort();
      expect(await early).toBe('left');
      await expect.poll(() => closed, { timeout: 2000 }).toBe(2);
      expect(calls).toHaveLength(2);
    });
  });
});

it('a client that takes nothing is cut off, and the provider is not read on', async () => {
  let sent = 0;
  const stopped = new AbortController();
  const big = words.openai.token('x'.repeat(64 * 1024));
  behave = async (call) => {
    begin(call);
    call.response.once('close', () => stopped.abort());
    while (!stopped.signal.aborted) {
      await write(call.response, big);
      sent += big.length;
    }
  };
  const response = await send('chat', 'bytes/bad', { stream: true });
  const reader = response.body?.getReader();
  await reader?.read();
  await expect.poll(() => stopped.signal.aborted, { timeout: 5000 }).toBe(true);
  // What the sockets of both sides hold, and what may wait between them.
  expect(sent).toBeLessThan(32 * 1024 * 1024);
});
