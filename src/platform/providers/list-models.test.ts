import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { SignalboxError } from '../core/errors.ts';
import type { Provider } from './definitions.ts';
import { listModels, probeProvider } from './list-models.ts';

const key = 'sk-secret-0123456789';
const stops: Array<() => Promise<void>> = [];

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function serve(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  changes: Partial<Provider> = {},
): Promise<Provider> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  stops.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => {
      server.close(resolve);
    });
  });
  return {
    name: 'test',
    kind: 'openai',
    dialect: 'openai',
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    passes: [],
    apiKey: key,
    apiKeys: [key].flat().filter((entry) => entry !== null),
    priceListId: 'openai',
    models: [],
    simulated: false,
    ...changes,
  };
}

const json = (value: unknown) => (_request: IncomingMessage, response: ServerResponse) => {
  response.setHeader('content-type', 'application/json').end(JSON.stringify(value));
};

async function failureOf(promise: Promise<unknown>): Promise<SignalboxError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(SignalboxError);
  expect((error as Error).message).not.toContain(key);
  return error as SignalboxError;
}

const patience = { timeoutMs: 5000 };

describe('listModels', () => {
  it('reads an OpenAI list with what the various providers add to it', async () => {
    let seen: IncomingMessage | undefined;
    const provider = await serve((request, response) => {
      seen = request;
      json({
        object: 'list',
        data: [
          { id: 'a', object: 'model' },
          { id: 'b', name: 'Model B', context_length: 8192, max_completion_tokens: 100 },
          { id: 'c', context_window: -1, max_model_len: 4096 },
          { id: 'a', name: 'again' },
          { id: 'not an id' },
          { id: 7 },
          null,
        ],
      })(request, response);
    });
    expect(await listModels(provider, patience)).toEqual([
      { id: 'a', displayName: null, contextWindow: null, maxOutputTokens: null },
      { id: 'b', displayName: 'Model B', contextWindow: 8192, maxOutputTokens: 100 },
      { id: 'c', displayName: null, contextWindow: 4096, maxOutputTokens: null },
    ]);
    expect(seen?.url).toBe('/v1/models');
    expect(seen?.headers.authorization).toBe(`Bearer ${key}`);
  });

  it('takes a bare list, and Gemini’s prefix off', async () => {
    const provider = await serve(json([{ id: 'models/gemini-3.8-flash' }]), { kind: 'gemini' });
    expect((await listModels(provider, patience)).map((model) => model.id)).toEqual(['gemini-3.8-flash']);
  });

  it('follows Anthropic’s pages', async () => {
    const pages: string[] = [];
    const provider = await serve(
      (request, response) => {
        const after = new URL(request.url ?? '', 'http://x').searchParams.get('after_id');
        pages.push(after ?? 'first');
        expect(request.headers['x-api-key']).toBe(key);
        expect(request.headers['anthropic-version']).toBe('2023-06-01');
        if (after === null)
          json({ data: [{ id: 'one', display_name: 'One' }], has_more: true, last_id: 'one' })(request, response);
        else json({ data: [{ id: 'two' }], has_more: false, last_id: 'two' })(request, response);
      },
      { kind: 'anthropic', dialect: 'anthropic' },
    );
    expect((await listModels(provider, patience)).map((model) => model.id)).toEqual(['one', 'two']);
    expect(pages).toEqual(['first', 'one']);
  });

  it('gives up on a list that never ends', async () => {
    let page = 0;
    const provider = await serve(
      (request, response) => {
        page += 1;
        json({ data: [{ id: `m${page}` }], has_more: true, last_id: `m${page}` })(request, response);
      },
      { kind: 'anthropic', dialect: 'anthropic' },
    );
    expect((await failureOf(listModels(provider, patience))).code).toBe('upstream_failed');
    expect(page).toBe(20);
  });

  it.each([401, 403])('calls a refused key by its name (%i)', async (status) => {
    const provider = await serve((_request, response) => {
      response.statusCode = status;
      response.end(JSON.stringify({ error: { message: `Incorrect API key provided: ${key}` } }));
    });
    expect((await failureOf(listModels(provider, patience))).code).toBe('upstream_auth_failed');
  });

  it.each([
    ['an error', 500, '{}'],
    ['a redirect', 302, ''],
    ['no JSON', 200, `<html>${key}</html>`],
    ['no list', 200, '{"data":{}}'],
    ['null', 200, 'null'],
  ])('fails on %s', async (_name, status, body) => {
    const provider = await serve((_request, response) => {
      response.statusCode = status;
      response.setHeader('location', 'http://127.0.0.1:9/elsewhere');
      response.end(body);
    });
    expect((await failureOf(listModels(provider, patience))).code).toBe('upstream_failed');
  });

  it('bounds the size of a list', async () => {
    const provider = await serve((_request, response) => {
      const chunk = Buffer.alloc(1024 * 1024, 0x20);
      response.on('error', () => response.destroy());
      function write(): void {
        while (!response.destroyed && response.write(chunk));
        if (!response.destroyed) response.once('drain', write);
      }
      write();
    });
    const failure = await failureOf(listModels(provider, { timeoutMs: 20_000 }));
    expect(failure.message).toContain('longer than');
  });

  it('ends at its deadline, also within a body', async () => {
    const provider = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write('{"data":[');
    });
    expect((await failureOf(listModels(provider, { timeoutMs: 50 }))).code).toBe('deadline_exceeded');
  });

  it('ends when it is told to', async () => {
    const abort = new AbortController();
    const provider = await serve(() => abort.abort());
    expect((await failureOf(listModels(provider, { ...patience, signal: abort.signal }))).code).toBe('stopping');
  });

  it('says that nobody is there', async () => {
    const provider = await serve(json([]));
    await stops.pop()?.();
    const failure = await failureOf(listModels(provider, patience));
    expect(failure.message).toContain('ECONNREFUSED');
  });
});

describe('probeProvider', () => {
  it('answers how long the headers took, whatever the body', async () => {
    const provider = await serve((_request, response) => {
      response.end('x'.repeat(1_000_000));
    });
    expect(await probeProvider(provider, patience)).toBeGreaterThan(0);
  });

  it('fails as listing does', async () => {
    const provider = await serve((_request, response) => {
      response.statusCode = 503;
      response.end();
    });
    expect((await failureOf(probeProvider(provider, patience))).code).toBe('upstream_failed');
  });
});
