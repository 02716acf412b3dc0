import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { aProvider } from '../../../test/support/catalogue.ts';
import { loadConfig } from '../../platform/config/load.ts';
import { SignalboxError } from '../../platform/core/errors.ts';
import { callTargets } from '../resilience/call-targets.ts';
import { createResilience } from '../resilience/resilience.ts';
import { chatSurface } from '../surfaces/chat/surface.ts';
import type { Body } from '../surfaces/surface.ts';
import { type AttemptReport, type ChainOptions, type ChainStep, runChain } from './chain.ts';
import { createPassThrough, type PassThrough } from './pass-through.ts';
import { providerBody } from './provider-body.ts';
import type { ClientRequest, UpstreamRequest } from './upstream.ts';

type Behaviour = (response: ServerResponse, request: IncomingMessage) => void;

const json =
  (status: number, value: unknown, headers: Record<string, string> = {}): Behaviour =>
  (response) =>
    void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value));
const completion = json(200, { model: 'answered', choices: [], usage: { prompt_tokens: 2, completion_tokens: 3 } });
const error = (status: number, headers: Record<string, string> = {}): Behaviour =>
  json(status, { error: { message: `says ${status}`, type: 't', param: null, code: 'c' } }, headers);
const silence: Behaviour = () => undefined;
const hangUp: Behaviour = (response) => response.destroy();
const html: Behaviour = (response) =>
  response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Bad gateway</h1>');
const events =
  (...chunks: string[]): Behaviour =>
  (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const chunk of chunks) response.write(chunk);
    response.end();
  };
const content = 'data: {"choices":[{"index":0,"delta":{"content":"hi"}}]}\n\n';
const done = 'data: [DONE]\n\n';

let passThrough: PassThrough;
let stopServer: () => void;
let baseUrl: string;
/** What the server does for each model, call by call; the last behaviour repeats. */
let script: Record<string, Behaviour[]>;
let calls: string[];
let failures: AttemptReport[];

beforeEach(async () => {
  calls = [];
  failures = [];
  script = {};
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const { model } = JSON.parse(body) as { model: string };
      const behaviours = script[model] ?? [];
      const turn = calls.filter((called) => called === model).length;
      calls.push(model);
      (behaviours[turn] ?? behaviours.at(-1) ?? hangUp)(response, request);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  stopServer = () => {
    server.closeAllConnections();
    server.close();
  };
  passThrough = createPassThrough(() => ({ connections: 10, connectTimeoutMs: 1000 }));
});

afterEach(async () => {
  vi.useRealTimers();
  await passThrough.close();
  stopServer();
});

function step(modelId: string, provider = 'p'): ChainStep {
  return { modelId, provider: aProvider(provider, { baseUrl }) };
}

const { resilience: resilienceConfig } = loadConfig({ env: {}, cwd: '/' });

function chatRequest(body: Body): ClientRequest {
  const bytes = Buffer.from(JSON.stringify(body));
  return { surface: chatSurface, bytes, body, stream: body['stream'] === true, headers: {}, span: null, query: '' };
}
const hello = { model: 'auto', messages: [{ role: 'user', content: 'hello' }] };
const streamed = { request: chatRequest({ ...hello, stream: true }) };

function run(steps: ChainStep[], changes: Partial<ChainOptions> = {}) {
  return runChain({
    steps,
    request: chatRequest(hello),
    deadlineMs: 10_000,
    retriesOfSameModel: 1,
    backoffMs: 1,
    clientSignal: new AbortController().signal,
    call: passThrough.call,
    resilience: createResilience(
      () => resilienceConfig,
      () => 0.99,
    ),
    p95TtftMs: () => null,
    nowMs: () => performance.now(),
    random: () => 0.5,
    onCall: () => null,
    onSpared: () => undefined,
    onAttemptFailed: (report) => failures.push(report),
    ...changes,
  });
}

async function codeOf(result: Promise<unknown>): Promise<SignalboxError> {
  const thrown: unknown = await result.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(thrown instanceof SignalboxError)) throw new Error(`expected a coded error, got ${String(thrown)}`);
  return thrown;
}

describe('a model on trial', () => {
  const onTrial = (modelId: string, isActive = true, provider = 'p'): ChainStep => ({
    ...step(modelId, provider),
    trial: { isActive: () => isActive },
  });

  test.each([
    ['a 500', error(500)],
    ['a reset connection', hangUp],
    ['an HTML page', html],
    ['a 429', error(429)],
    ['a 404', error(404)],
    ['a 400', error(400)],
    ['a dead key', error(401)],
  ])('is not called again after %s: the next one answers', async (_name, behaviour) => {
    script = { a: [behaviour], b: [completion] };
    expect(await run([onTrial('a'), step('b')])).toMatchObject({ kind: 'answer', step: { modelId: 'b' } });
    expect(calls).toEqual(['a', 'b']);
  });

  test('leaves the others all the time there is', async () => {
    let nowMs = 0;
    const timeouts: number[] = [];
    const call: ChainOptions['call'] = (upstream) => {
      timeouts.push(nowMs);
      if (upstream.modelId === 'a') nowMs += 590;
      else nowMs += 500;
      return upstream.modelId === 'a' ? Promise.reject(new Error('late')) : passThrough.call(upstream);
    };
    script = { b: [error(500), completion] };
    const result = await run([onTrial('a'), step('b')], { call, nowMs: () => nowMs, deadlineMs: 1000 });
    // 590 and 500 are more than the deadline of a chain, which begins with the first of the others.
    expect(result).toMatchObject({ kind: 'answer', step: { modelId: 'b' } });
    expect(timeouts).toEqual([0, 590, 1090]);
  });

  test('is not called once its trial is over', async () => {
    script = { a: [completion], b: [completion] };
    expect(await run([onTrial('a', false), step('b')])).toMatchObject({ kind: 'answer', index: 0 });
    expect(calls).toEqual(['b']);
  });

  test('is left out for what is told of it', async () => {
    const spared: string[] = [];
    const onSpared: ChainOptions['onSpared'] = ({ modelId }, why) => spared.push(`${modelId} ${why}`);
    const resilience = createResilience(
      () => resilienceConfig,
      () => 0.99,
    );
    script = { a: Array.from({ length: 9 }, () => error(500)), b: Array.from({ length: 12 }, () => completion) };
    const chain = [onTrial('a'), step('b')];
    for (let turn = 0; turn < 9; turn += 1) await run(chain, { resilience, onSpared });
    expect(new Set(spared)).toEqual(new Set(['a ejected']));
    expect(calls.filter((model) => model === 'a').length).toBe(9 - spared.length);
    spared.length = 0;

    await run([onTrial('a', false), step('b')], { onSpared });
    await run([{ ...step('a'), mayBeCalled: () => false }, step('b')], { onSpared });
    const full = createResilience(
      () => ({ ...resilienceConfig, concurrency: { ...resilienceConfig.concurrency, per_provider: 1 } }),
      () => 0.99,
    );
    const release = await full.acquire(
      { ...callTargets('p', null, 'p/a'), isTrial: true },
      new AbortController().signal,
    );
    await run([onTrial('a'), step('b', 'q')], { resilience: full, onSpared });
    release();
    expect(spared).toEqual(['a ended', 'a ended', 'a busy']);
  });

  test('does not keep the only other model from being tried though it is ejected', async () => {
    const resilience = createResilience(
      () => resilienceConfig,
      () => 0.99,
    );
    script = { b: Array.from({ length: 6 }, () => error(500)) };
    for (let turn = 0; turn < 3; turn += 1) await codeOf(run([step('b', 'q')], { resilience }));
    calls.length = 0;
    script = { a: [error(500)], b: [completion] };
    expect(await run([onTrial('a'), step('b', 'q')], { resilience })).toMatchObject({ step: { modelId: 'b' } });
    expect(calls).toEqual(['a', 'b']);
  });

  test('does not say what the failure of all means', async () => {
    script = { a: [error(500)], b: [error(429)] };
    const thrown = await codeOf(run([onTrial('a'), step('b')]));
    expect(thrown).toMatchObject({ code: 'rate_limited', headers: { 'x-signalbox-attempts': '2' } });
    expect(thrown.message).toContain('a at p: server 500');
  });

  test('hands on the others’ refusal, in their words', async () => {
    script = { a: [error(400)], b: [error(400)] };
    expect(await run([onTrial('a'), step('b')])).toMatchObject({ kind: 'relay', step: { modelId: 'b' } });
  });
});

describe('what happens next after each failure', () => {
  test.each([
    ['a 500 is tried again, then the next model', error(500), ['a', 'a', 'b']],
    ['a 529 likewise', error(529), ['a', 'a', 'b']],
    ['a reset connection likewise', hangUp, ['a', 'a', 'b']],
    ['an HTML page likewise', html, ['a', 'a', 'b']],
    ['a 429 goes to the next model at once', error(429), ['a', 'b']],
    ['a 404 likewise', error(404), ['a', 'b']],
  ])('%s', async (_name, behaviour, expected) => {
    script = { a: [behaviour], b: [completion] };
    const result = await run([step('a'), step('b')]);
    expect(calls).toEqual(expected);
    expect(result).toMatchObject({ kind: 'answer', index: expected.length - 1, step: { modelId: 'b' } });
    expect(failures.map((failure) => failure.index)).toEqual(expected.slice(0, -1).map((_call, index) => index));
  });

  test('a failure that passes is not noticed by the client', async () => {
    script = { a: [error(503), completion] };
    expect(await run([step('a')])).toMatchObject({ kind: 'answer', index: 1, answer: { responseModel: 'answered' } });
  });

  test('a dead key rules out the provider’s other models', async () => {
    script = { a: [error(401)], b: [completion], c: [completion] };
    await run([step('a', 'dead'), step('b', 'dead'), step('c', 'alive')]);
    expect(calls).toEqual(['a', 'c']);
  });

  test('a request that is wrong is not repeated: the provider’s words reach the client', async () => {
    script = { a: [error(400)], b: [completion] };
    const result = await run([step('a'), step('b')]);
    expect(calls).toEqual(['a']);
    expect(result).toMatchObject({ kind: 'relay', relay: { status: 400 } });
    expect(result.kind === 'relay' && result.relay.body.toString()).toContain('says 400');
  });

  test('a pinned model that the provider does not have is a 404 in its words', async () => {
    script = { a: [error(404)] };
    expect(await run([step('a')])).toMatchObject({ kind: 'relay', relay: { status: 404 } });
  });
});

describe('when nobody answers', () => {
  test('502 lists the attempts', async () => {
    script = { a: [error(500)], b: [hangUp] };
    const thrown = await codeOf(run([step('a', 'x'), step('b', 'y')]));
    expect(thrown.code).toBe('upstream_failed');
    expect(thrown.message).toBe(
      'no model answered after 4 attempts (a at x: server 500; a at x: server 500; b at y: network; b at y: network)',
    );
  });

  test('429 with the shortest Retry-After when all are limited', async () => {
    script = { a: [error(429, { 'retry-after': '30' })], b: [error(429, { 'retry-after': '7' })] };
    const thrown = await codeOf(run([step('a'), step('b')]));
    expect(thrown).toMatchObject({ code: 'rate_limited', status: 429, headers: { 'retry-after': '7' } });
  });

  test('504 when the time is up, and the last model had its share of it', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    // Not over the network, which takes time of its own.
    const call = ({ signal }: UpstreamRequest): Promise<never> =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    const thrown = codeOf(run([step('a'), step('b')], { deadlineMs: 100, call }));
    await vi.advanceTimersByTimeAsync(100);
    expect((await thrown).code).toBe('deadline_exceeded');
    expect(
      failures.map(({ step: { modelId }, outcome, durationMs }) => `${modelId}: ${outcome} after ${durationMs}`),
    ).toEqual(['a: timeout after 60', 'b: timeout after 40']);
  });

  test('a model that stalls leaves time for the next', async () => {
    script = { a: [silence], b: [completion] };
    expect(await run([step('a'), step('b')], { deadlineMs: 1000 })).toMatchObject({ kind: 'answer', index: 1 });
  });
});

describe('a stream', () => {
  test.each([
    ['ends before any content', events('data: {"choices":[{"delta":{"role":"assistant"}}]}\n\n')],
    ['begins with a broken event', events('data: {"choi\n\n')],
    ['begins with an error event', events('data: {"error":{"message":"overloaded"}}\n\n')],
    ['is no event stream', html],
  ])('that %s is replaced', async (_name, behaviour) => {
    script = { a: [behaviour], b: [events(content, done)] };
    const result = await run([step('a'), step('b')], streamed);
    expect(result).toMatchObject({ kind: 'answer', step: { modelId: 'b' }, answer: { kind: 'stream' } });
  });

  test('is handed over with every byte up to its first content', async () => {
    const role = 'data: {"choices":[{"delta":{"role":"assistant","content":""}}]}\n\n';
    script = { a: [events(role, content, done)] };
    const result = await run([step('a')], streamed);
    if (result.kind !== 'answer' || result.answer.kind !== 'stream') throw new Error('no stream');
    let text = Buffer.concat(result.answer.head).toString();
    for (let next = await result.answer.rest.next(); next.done !== true; next = await result.answer.rest.next()) {
      text += Buffer.from(result.answer.reader.feed(next.value)).toString();
    }
    expect(text).toBe(role + content + done);
  });

  test('without content but complete is an answer', async () => {
    script = { a: [events('data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n', done)] };
    expect(await run([step('a')], streamed)).toMatchObject({ kind: 'answer', index: 0 });
  });
});

test('a client that leaves ends the chain and the call upstream', async () => {
  const client = new AbortController();
  const closed = new Promise<void>((resolve) => {
    script = {
      a: [
        (_response, request) => {
          request.socket.once('close', () => resolve());
          client.abort();
        },
      ],
      b: [completion],
    };
  });
  expect(await run([step('a'), step('b')], { clientSignal: client.signal })).toEqual({ kind: 'cancelled' });
  await closed;
  expect(calls).toEqual(['a']);
  expect(failures).toMatchObject([{ outcome: 'cancelled' }]);
});

test('the client’s request is not changed, and what steers the gateway stays here', async () => {
  const seen: unknown[] = [];
  script = { a: [completion] };
  const body = Object.freeze({
    model: 'auto',
    messages: [],
    session_id: 's',
    models: ['x'],
    provider: {},
    max_cost_usd: 1,
    cost_quality_tradeoff: 0.5,
    unknown_parameter: { kept: [1, 2.5, null] },
  });
  await run([step('a')], {
    request: chatRequest(body),
    call(upstream) {
      seen.push(JSON.parse(providerBody(upstream.provider, upstream.modelId, upstream.request, false).toString()));
      return passThrough.call(upstream);
    },
  });
  expect(seen).toEqual([{ model: 'a', messages: [], unknown_parameter: { kept: [1, 2.5, null] } }]);
});

describe('a provider with several keys', () => {
  const keys = (...apiKeys: string[]): ChainStep => ({
    modelId: 'a',
    provider: aProvider('p', { baseUrl, apiKey: apiKeys[0] ?? null, apiKeys }),
  });

  test('is asked with the next key after a 401 or a 429, before another model is', async () => {
    const used: Array<string | undefined> = [];
    const behave =
      (behaviour: Behaviour): Behaviour =>
      (response, request) => {
        used.push(request.headers.authorization);
        behaviour(response, request);
      };
    script = { a: [behave(error(401)), behave(error(429)), behave(completion)] };
    expect(await run([keys('one', 'two', 'three')], { random: () => 0 })).toMatchObject({ kind: 'answer', index: 2 });
    expect(used).toEqual(['Bearer one', 'Bearer two', 'Bearer three']);
  });

  test('is not given up while one of its keys is ejected', async () => {
    const resilience = createResilience(
      () => resilienceConfig,
      () => 0,
    );
    script = { a: [error(401), completion, completion], b: [completion] };
    const steps = [keys('one', 'two'), step('b')];
    for (let round = 0; round < 2; round += 1) {
      const result = await run(steps, { resilience, random: () => 0 });
      expect(result).toMatchObject({ kind: 'answer', step: { modelId: 'a' } });
    }
    expect(calls).toEqual(['a', 'a', 'a']);
  });
});

describe('a hedge', () => {
  const hedged = () => {
    const resilience = createResilience(
      () => ({ ...resilienceConfig, hedge: { enabled: true, share: 1, min_delay_ms: 20, max_delay_ms: 20 } }),
      () => 0.99,
    );
    return { resilience, p95TtftMs: () => 20 };
  };

  test('answers where the first call is late, and the first is ended', async () => {
    script = { a: [silence], b: [completion] };
    const result = await run([step('a'), step('b')], hedged());
    expect(result).toMatchObject({ kind: 'answer', index: 1, isHedge: true, step: { modelId: 'b' } });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(failures).toMatchObject([{ index: 0, outcome: 'cancelled', isHedge: false, hasLost: true }]);
  });

  test('is not sent where the first call is in time', async () => {
    script = { a: [completion], b: [completion] };
    await run([step('a'), step('b')], hedged());
    expect(calls).toEqual(['a']);
  });

  test('that fails leaves the first call to answer', async () => {
    const late: Behaviour = (response, request) => void setTimeout(() => completion(response, request), 80);
    script = { a: [late], b: [error(500)] };
    expect(await run([step('a'), step('b')], hedged())).toMatchObject({ kind: 'answer', index: 0, isHedge: false });
  });
});

test('a server that refuses to be asked for the usage of a stream is asked without it from then on', async () => {
  const refusal = json(422, { detail: 'extra inputs are not permitted: stream_options' });
  script = { a: [refusal, events(content, done)] };
  for (let turn = 0; turn < 2; turn += 1) {
    expect(await run([step('a')], streamed)).toMatchObject({ kind: 'answer', index: 0 });
  }
  expect(calls).toHaveLength(3);
});

test('the usage that the client did not ask for stays here, every other byte passes', async () => {
  const usage = 'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}\n\n';
  script = { a: [events(content, usage, ': bye\n\n', done)] };
  const result = await run([step('a')], streamed);
  if (result.kind !== 'answer' || result.answer.kind !== 'stream') throw new Error('no stream');
  const { head, rest, reader } = result.answer;
  let text = Buffer.concat(head).toString();
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) {
    text += Buffer.from(reader.feed(next.value)).toString();
  }
  expect(text).toBe(`${content}: bye\n\n${done}`);
  expect(reader.reading.usage).toMatchObject({ inputTokens: 3, outputTokens: 4 });
});
