import { createHash, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.ts';
import { endedAttempts, postJson, signalboxHeaders, user } from './requests.ts';
import {
  answerInTwoParts,
  answerJson,
  beginStream,
  chunk,
  completion,
  event,
  startUpstream,
  type Upstream,
  writeNow,
} from './upstream.ts';

let upstream: Upstream;
let app: TestApp;

beforeAll(async () => {
  upstream = await startUpstream();
  app = await startTestApp({ config: { providers: [upstream.provider], retries: { same_model: 0 } } });
});
afterAll(async () => {
  await app.stop();
  await upstream.stop();
});

const chat = (more: object = {}, model = 'raw-1'): Promise<Response> =>
  postJson(`${app.url('router')}/v1/chat/completions`, { model, messages: user('Hello'), ...more });

async function bytesOf(response: Response): Promise<Buffer> {
  return Buffer.from(await response.arrayBuffer());
}

/** Lines of one event stream: JSON on one or on several lines, comments, and fields that clients do not know. */
const oddStream = fc
  .record({
    lineEnd: fc.constantFrom('\n', '\r\n', '\r'),
    byteOrderMark: fc.boolean(),
    contents: fc.array(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 8 }),
    shapes: fc.array(fc.constantFrom('plain', 'without space', 'many lines'), { minLength: 1, maxLength: 5 }),
    fillers: fc.array(
      fc.constantFrom(': keep-alive', ':', 'event: message', 'id: 7', 'retry: 3000', 'colour: blue', 'nothing'),
      { maxLength: 8 },
    ),
    usage: fc.boolean(),
    done: fc.boolean(),
  })
  .map(({ lineEnd, byteOrderMark, contents, shapes, fillers, usage, done }) => {
    const events: unknown[] = [
      chunk({ role: 'assistant', content: '' }),
      ...contents.map((content) => chunk({ content })),
      chunk({}, 'stop'),
      ...(usage ? [{ ...chunk({}), choices: [], usage: { prompt_tokens: 5, completion_tokens: 3 } }] : []),
    ];
    const lines = events.flatMap((value, index) => {
      const shape = shapes[index % shapes.length];
      const filler = fillers[index % Math.max(1, fillers.length)];
      const data =
        shape === 'many lines'
          ? JSON.stringify(value, null, 2)
              .split('\n')
              .map((line) => `data: ${line}`)
          : [`data:${shape === 'plain' ? ' ' : ''}${JSON.stringify(value)}`];
      return [...(filler === undefined ? [] : [filler]), ...data, ''];
    });
    if (done) lines.push('data: [DONE]', '');
    lines.push(': the end');
    return { bytes: Buffer.from((byteOrderMark ? '\u{feff}' : '') + lines.join(lineEnd) + lineEnd), usage };
  });

function pieces(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const result: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const size = sizes[result.length % sizes.length] ?? 1;
    result.push(bytes.subarray(at, at + size));
    at += size;
  }
  return result;
}

describe('a stream', () => {
  it('reaches the client byte for byte, however it is framed and cut', async () => {
    const decisions: Array<{ id: string | undefined; usage: boolean }> = [];
    // Some pieces are single bytes, so that letters of several bytes and line ends of two are cut in the middle.
    const sizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 200 })), {
      minLength: 3,
      maxLength: 20,
    });
    await fc.assert(
      fc.asyncProperty(oddStream, sizes, async ({ bytes, usage }, cuts) => {
        upstream.answer = async (response) => {
          beginStream(response);
          for (const piece of pieces(bytes, cuts)) await writeNow(response, piece);
          response.end();
        };
        // A client that asks for the usage gets all that comes; one that does not gets all but the usage.
        const response = await chat({ stream: true, ...(usage ? { stream_options: { include_usage: true } } : {}) });
        expect(response.status).toBe(200);
        expect((await bytesOf(response)).equals(bytes)).toBe(true);
        decisions.push({ id: signalboxHeaders(response.headers)['decision-id'], usage });
      }),
      { numRuns: 60 },
    );
    for (const { id, usage } of decisions) {
      const [attempt] = await endedAttempts(app, id);
      expect(attempt).toMatchObject({
        outcome: 'success',
        response_model: 'raw-1',
        usage_estimated: !usage,
        ...(usage ? { input_tokens: 5, output_tokens: 3 } : {}),
      });
    }
  });

  it('of many megabytes reaches a client that reads slowly', async () => {
    const sent = createHash('sha256');
    upstream.answer = async (response) => {
      beginStream(response);
      for (let index = 0; index < 64; index += 1) {
        const data = event(chunk({ content: randomBytes(64 * 1024).toString('hex') }));
        sent.update(data);
        await writeNow(response, data);
      }
      const end = event(chunk({}, 'stop')) + event('[DONE]');
      sent.update(end);
      response.end(end);
    };
    const received = createHash('sha256');
    for await (const bytes of (await chat({ stream: true })).body ?? []) {
      received.update(bytes as Uint8Array);
      await new Promise(setImmediate);
    }
    expect(received.digest('hex')).toBe(sent.digest('hex'));
  });

  it.each([
    ['a broken event', 'data: {"choices":[{"del\n\n' + event(chunk({}, 'stop')), SyntaxError, 'bad_response'],
    [
      'an error event',
      event({ error: { message: 'overloaded', code: 'overloaded' } }),
      OpenAI.APIError,
      'stream_error',
    ],
    ['nothing', '', OpenAI.APIError, 'network'],
  ])('that goes on with %s fails for the client, and counts as failed', async (_, rest, failure, errorCode) => {
    const goOn = answerInTwoParts(upstream, event(chunk({ content: 'Hel' })));
    const { data: stream, response } = await app.client.chat.completions
      .create({ model: 'raw-1', messages: user('Hello'), stream: true })
      .withResponse();
    const reading = (async () => {
      for await (const { choices } of stream)
        if (choices[0]?.delta.content === 'Hel') goOn((upstreamResponse) => upstreamResponse.end(rest));
    })();
    await expect(reading).rejects.toBeInstanceOf(failure);
    const id = signalboxHeaders(response.headers)['decision-id'];
    expect(await endedAttempts(app, id)).toMatchObject([{ outcome: 'failure', error_code: errorCode }]);
  });
});

describe('a whole answer', () => {
  it('reaches the client byte for byte', async () => {
    const odd = ` {"model" : "raw-1",\r\n"choices":[{"index":0,"message":{"role":"assistant","content":"\\u00e9 é 👩‍👩‍👧"}, "finish_reason":"stop"}],
      "usage": {"prompt_tokens":5,"completion_tokens":3}, "large": 12345678901234567890, "small": 1.0, "twice": 1, "twice": 2}\n\n`;
    upstream.answer = (response) => {
      response.writeHead(200, { 'content-type': 'application/json; charset=UTF-8' });
      response.end(odd);
    };
    const response = await chat();
    expect((await bytesOf(response)).toString()).toBe(odd);
    expect(response.headers.get('content-type')).toBe('application/json; charset=UTF-8');
  });

  it('that refuses the request reaches the client byte for byte', async () => {
    const refusal =
      '{ "error": {"message":"No.","type":"invalid_request_error","param":"temperature","code":"odd"}, "x":1.0 }';
    upstream.answer = (response) => {
      response.writeHead(422, { 'content-type': 'application/json' });
      response.end(refusal);
    };
    const response = await chat();
    expect([response.status, (await bytesOf(response)).toString()]).toEqual([422, refusal]);
  });
});

describe('a request', () => {
  it('reaches the provider with all that Signalbox does not know, in its order, under the provider’s own name', async () => {
    upstream.answer = (response) => answerJson(response, completion('ok'));
    const messages = [{ content: 'Hello', role: 'user', name: 'me', x_part: null, nested: { deep: [1, '2', false] } }];
    const sent = {
      zeta: { b: 1, a: [null, 1.5, 'é'] },
      messages,
      temperature: 0.3,
      model: 'raw/raw-1',
      logit_bias: { 50256: -100 },
      reasoning_effort: 'low',
      metadata: { team: 'a' },
      '': 'an empty name',
    };
    const response = await chat(
      {
        ...sent,
        session_id: 's',
        max_cost_usd: 1,
        cost_quality_tradeoff: 0.5,
        models: ['raw-1'],
        provider: { only: ['raw'] },
      },
      'raw/raw-1',
    );
    expect(response.status).toBe(200);
    const received = upstream.requests.at(-1);
    const forwarded = JSON.parse(received?.body ?? '') as Record<string, unknown>;
    expect(forwarded).toEqual({ ...sent, model: 'raw-1' });
    expect(JSON.stringify(forwarded['messages'])).toBe(JSON.stringify(messages));
    expect(Object.keys(forwarded).filter((key) => key !== 'model')).toEqual([
      'messages',
      'zeta',
      ...Object.keys(sent).filter((key) => !['messages', 'zeta', 'model'].includes(key)),
    ]);
  });

  it('does not take the client’s key or cookies to the provider', async () => {
    upstream.answer = (response) => answerJson(response, completion('ok'));
    const headers = {
      authorization: 'Bearer sk-of-the-client',
      'x-api-key': 'sk-of-the-client',
      cookie: 'a=sk-of-the-client',
    };
    await postJson(`${app.url('router')}/v1/chat/completions`, { model: 'raw-1', messages: user('Hello') }, headers);
    expect(JSON.stringify(upstream.requests.at(-1))).not.toContain('sk-of-the-client');
  });
});
