import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Provider } from '../../../src/platform/providers/definitions.ts';
import { listModels } from '../../../src/platform/providers/list-models.ts';
import { loadConfig } from '../../../src/platform/config/load.ts';
import { answerJson, completion, startUpstream, type Upstream } from '../../e2e/upstream.ts';
import { type TestApp, startTestApp } from '../../support/app.ts';

/** An address to which nothing of ours may ever come. */
const elsewhere = createServer((request, response) => {
  strays.push(`${request.method} ${request.url}`);
  response.end('{}');
});
const strays: string[] = [];
let elsewhereUrl: string;
let openai: Upstream;
let anthropic: Upstream;
let app: TestApp;

beforeAll(async () => {
  await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
  elsewhereUrl = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}`;
  openai = await startUpstream({ more: { api_key: 'sk-openai' } });
  anthropic = await startUpstream({ name: 'claude', kind: 'anthropic', more: { api_key: 'sk-anthropic' } });
  app = await startTestApp({
    config: {
      providers: [openai.provider, anthropic.provider],
      retries: { same_model: 0 },
      // The same providers fail again and again.
      resilience: { ejection: { max_ejected_share: 0 }, throttle: { enabled: false } },
    },
  });
});
beforeEach(() => {
  openai.answer = (response) => answerJson(response, completion('fine'));
});
afterAll(async () => {
  await app.stop();
  await openai.stop();
  await anthropic.stop();
  await new Promise((resolve) => elsewhere.close(resolve));
});

interface Asked {
  path?: '/v1/chat/completions' | '/v1/messages';
  model: string;
  stream?: boolean;
  content?: unknown;
}

function ask({ path = '/v1/chat/completions', model, stream = false, content = 'hi' }: Asked): Promise<Response> {
  return fetch(app.url('router') + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model, stream, max_tokens: 10, messages: [{ role: 'user', content }] }),
  });
}

describe('a provider that sends us elsewhere', () => {
  test.each([302, 307])('by %i gets nobody there', async (status) => {
    const away: Upstream['answer'] = (response) =>
      void response.writeHead(status, { location: `${elsewhereUrl}/away` }).end();
    openai.answer = away;
    anthropic.answer = away;
    for (const path of ['/v1/chat/completions', '/v1/messages'] as const) {
      for (const model of ['raw-1', 'claude-1']) {
        for (const stream of [false, true]) expect((await ask({ path, model, stream })).status).toBe(502);
      }
    }
    expect(strays).toEqual([]);
  });

  test('nor by its list of models', async () => {
    const moved = createServer((_request, response) => response.writeHead(302, { location: elsewhereUrl }).end());
    await new Promise<void>((resolve) => moved.listen(0, '127.0.0.1', resolve));
    const base_url = `http://127.0.0.1:${(moved.address() as AddressInfo).port}/v1`;
    const providers = [{ name: 'moved', kind: 'anthropic', base_url, api_key: 'sk-anthropic' }];
    const [provider] = loadConfig({ env: {}, cwd: '/', flags: { providers } }).providers;
    await expect(listModels(provider as Provider, { timeoutMs: 5000 })).rejects.toThrow('answered 302');
    moved.close();
    expect(strays).toEqual([]);
  });
});

test('an address in a request is for the provider to fetch', async () => {
  const url = `${elsewhereUrl}/cat.png`;
  anthropic.answer = (response) => answerJson(response, anthropicAnswer('a cat'));
  const answers = [
    await ask({ model: 'claude-1', content: [{ type: 'image_url', image_url: { url } }] }),
    await ask({
      path: '/v1/messages',
      model: 'raw-1',
      content: [
        { type: 'image', source: { type: 'url', url } },
        { type: 'document', source: { type: 'url', url } },
      ],
    }),
  ];
  expect(answers[0]?.status).toBe(200);
  expect(anthropic.requests.at(-1)?.body).toContain(url);
  // What the adapter cannot pass on it refuses, rather than to fetch it.
  expect([200, 400]).toContain(answers[1]?.status);
  expect(strays).toEqual([]);
});

test('an answer that nests too deeply is none', async () => {
  const deep = `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`;
  const answer = JSON.stringify({
    ...anthropicAnswer(''),
    stop_reason: 'tool_use',
    content: [{ type: 'tool_use', id: 't', name: 'f', input: 'deep' }],
  });
  anthropic.answer = (response) =>
    void response.writeHead(200, { 'content-type': 'application/json' }).end(answer.replace('"deep"', deep));
  expect((await ask({ model: 'claude-1' })).status).toBe(502);
});

test('its headers cannot end ours', async () => {
  const body = JSON.stringify(completion('fine'));
  const answerWith =
    (header: string): Upstream['answer'] =>
    ({ socket }) =>
      void socket?.end(
        Buffer.from(
          `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n${header}\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
          'latin1',
        ),
      );
  for (const control of ['a\rb', 'a\n b', 'a\u0001b', 'a\0b']) {
    openai.answer = answerWith(`x-request-id: ${control}`);
    expect((await ask({ model: 'raw-1' })).status).toBe(502);
  }
  // No text that we would write, but bytes that may stand in a header.
  openai.answer = answerWith('x-request-id: \xe2\x82\xac\xff');
  const answer = await ask({ model: 'raw-1' });
  expect([answer.status, answer.headers.get('x-request-id')]).toEqual([200, '\xe2\x82\xac\xff']);
});

function anthropicAnswer(text: string): Record<string, unknown> {
  return {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'claude-1',
    content: [{ type: 'text', text }],
    stop_reason: 'end_turn',
    stop_sequence: null,
    usage: { input_tokens: 1, output_tokens: 1 },
  };
}
