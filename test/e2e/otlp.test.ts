import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.ts';
import { type CollectedSpan, type Collector, startCollector } from '../support/collector.ts';
import {
  fails,
  hangs,
  learnsNothing,
  type RacingUpstream,
  says,
  setPrices,
  startRacingUpstream,
} from './racing-upstream.ts';
import { collect, failureOf, patience, textOf, user } from './requests.ts';

const names = ['alpha-1', 'beta-1'];
/** In every prompt and every answer, and in nothing else. */
const marker = 'xylophone';
/** The trace of a client that does not want it recorded. */
const untracedId = '5bf92f3577b34da6a3ce929d0e0e4736';

let collector: Collector;
let raw: RacingUpstream;
let app: TestApp;

beforeAll(async () => {
  collector = await startCollector();
  raw = await startRacingUpstream(names);
  app = await startTestApp({
    config: {
      providers: [raw.upstream.provider],
      learner: learnsNothing,
      telemetry: {
        otlp: { endpoint: collector.url, timeout_ms: 500 },
        traces: { flush_ms: 25, max_queue_size: 10, to_providers: true },
        metrics: { interval_ms: 100 },
      },
    },
  });
  for (const name of names) await setPrices(app, name);
});
afterAll(async () => {
  await app.stop();
  await raw.upstream.stop();
});
afterEach(() => raw.reset());

/** The trace of the request that ended last: its own span, and its calls in the order in which they were made. */
async function traceOf(find: (span: CollectedSpan) => boolean, calls: number) {
  const ofTrace = ({ traceId }: CollectedSpan) => collector.spans.filter((span) => span.traceId === traceId);
  await expect.poll(() => collector.spans.filter(find).flatMap(ofTrace).length, patience).toBe(calls + 1);
  const all = collector.spans.filter(find).flatMap(ofTrace);
  const server = all.find(({ kind }) => kind === 'server');
  const attempts = all.filter(({ kind }) => kind === 'client');
  const numberOf = ({ attributes }: CollectedSpan) =>
    Number(attributes['signalbox.race.lane'] ?? attributes['signalbox.attempt']);
  return { server, attempts: attempts.toSorted((a, b) => numberOf(a) - numberOf(b)) };
}

const isRace = ({ attributes }: CollectedSpan) => attributes['signalbox.race.winner'] !== undefined;
const isOf =
  (decisionId: string | null) =>
  ({ kind, attributes }: CollectedSpan) =>
    kind === 'server' && attributes['signalbox.decision.id'] === decisionId;

it('shows a request with its decision, and each call of it', async () => {
  raw.plays = { 'alpha-1': fails(500), 'beta-1': says(marker) };
  const response = await fetch(`${app.url('router')}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'alpha-1', models: ['beta-1'], messages: user(marker) }),
  });
  expect(await response.text()).toContain(marker);
  const decisionId = response.headers.get('x-signalbox-decision-id');
  const { server, attempts } = await traceOf(isOf(decisionId), 3);
  expect(server).toMatchObject({
    name: 'POST /v1/chat/completions',
    parentId: '',
    isError: false,
    resource: { 'service.name': 'signalbox' },
    attributes: {
      'http.request.method': 'POST',
      'http.route': '/v1/chat/completions',
      'http.response.status_code': 200,
      'gen_ai.operation.name': 'chat',
      'gen_ai.request.model': 'alpha-1',
      'signalbox.decision.origin': 'pinned',
      'signalbox.decision.complexity': 'simple',
      'signalbox.decision.model': 'alpha-1',
      'signalbox.model': 'beta-1',
      'signalbox.attempts': 3,
    },
  });
  const { port } = new URL(String(raw.upstream.provider['base_url']));
  const called = {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'openai-compatible',
    'server.address': '127.0.0.1',
    'server.port': Number(port),
    'signalbox.provider': 'raw',
    'signalbox.decision.id': decisionId,
  };
  const failed = { 'http.response.status_code': 500, 'error.type': 'server', 'signalbox.outcome': 'failure' };
  expect(attempts).toMatchObject([
    { name: 'chat alpha-1', isError: true, attributes: { ...called, ...failed, 'signalbox.attempt': 0 } },
    { name: 'chat alpha-1', isError: true, attributes: { ...called, ...failed, 'signalbox.attempt': 1 } },
    {
      name: 'chat beta-1',
      isError: false,
      attributes: {
        ...called,
        'gen_ai.request.model': 'beta-1',
        'gen_ai.response.model': 'raw-1',
        'gen_ai.response.finish_reasons': ['stop'],
        'gen_ai.usage.input_tokens': 10,
        'gen_ai.usage.output_tokens': 5,
        'signalbox.attempt': 2,
        'signalbox.outcome': 'success',
      },
    },
  ]);
  expect(new Set(attempts.map(({ parentId }) => parentId))).toEqual(new Set([server?.spanId]));
  // Each call told its provider where in the trace it is.
  const [, , last] = attempts;
  const sent = raw.upstream.requests.map(({ headers }) => headers['traceparent']);
  expect(sent.at(-1)).toBe(`00-${last?.traceId}-${last?.spanId}-01`);
  expect(new Set(sent).size).toBe(3);
});

it('is part of the client’s trace, and follows a stream to its end', async () => {
  raw.plays = { 'alpha-1': says(marker) };
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
  const { data, response } = await app.client.chat.completions
    .create(
      { model: 'alpha-1', messages: user(marker), stream: true },
      { headers: { traceparent: `00-${traceId}-00f067aa0ba902b7-01` } },
    )
    .withResponse();
  expect(textOf(await collect(data))).toBe(marker);
  const { server, attempts } = await traceOf(isOf(response.headers.get('x-signalbox-decision-id')), 1);
  expect(server).toMatchObject({ traceId, parentId: '00f067aa0ba902b7' });
  expect(attempts).toMatchObject([
    {
      traceId,
      parentId: server?.spanId,
      attributes: {
        'gen_ai.request.stream': true,
        'gen_ai.response.finish_reasons': ['stop'],
        'gen_ai.usage.output_tokens': 5,
      },
    },
  ]);
  expect(attempts[0]?.attributes['gen_ai.response.time_to_first_chunk']).toBeGreaterThan(0);
});

it('leaves out what the client does not want traced', async () => {
  raw.plays = { 'alpha-1': says(marker) };
  const { response } = await app.client.chat.completions
    .create(
      { model: 'alpha-1', messages: user(marker) },
      { headers: { traceparent: `00-${untracedId}-00f067aa0ba902b7-00` } },
    )
    .withResponse();
  expect(response.status).toBe(200);
  expect(raw.upstream.requests.at(-1)?.headers['traceparent']).toBeUndefined();
});

it('shows a race with its lanes', async () => {
  raw.plays = { 'alpha-1': hangs, 'beta-1': says(marker) };
  const answer = await app.client.chat.completions.create({ model: 'race:alpha-1,beta-1', messages: user(marker) });
  expect(answer.choices[0]?.message.content).toBe(marker);
  const { server, attempts } = await traceOf(isRace, 2);
  expect(server?.attributes).toMatchObject({
    'signalbox.race.strategy': 'first',
    'signalbox.race.outcome': 'decided',
    'signalbox.race.lanes': 2,
    'signalbox.race.winner': 1,
  });
  const raceId = server?.attributes['signalbox.race.id'];
  expect(attempts).toMatchObject([
    {
      parentId: server?.spanId,
      attributes: { 'signalbox.race.id': raceId, 'signalbox.race.lane': 0, 'error.type': 'cancelled' },
    },
    {
      parentId: server?.spanId,
      attributes: { 'signalbox.race.id': raceId, 'signalbox.race.lane': 1, 'signalbox.outcome': 'success' },
    },
  ]);
});

it('names the class of an error, and nothing else of it', async () => {
  raw.plays = { 'alpha-1': fails(503) };
  expect(
    await failureOf(app.client.chat.completions.create({ model: 'alpha-1', messages: user(marker) })),
  ).toMatchObject({
    status: 503,
  });
  const isFailure = ({ attributes }: CollectedSpan) =>
    attributes['http.response.status_code'] === 503 && 'http.route' in attributes;
  const { server } = await traceOf(isFailure, 2);
  expect(server).toMatchObject({
    isError: true,
    attributes: { 'error.type': '503', 'signalbox.error.code': 'upstream_overloaded' },
  });
});

it('measures calls by the GenAI conventions', async () => {
  const of = (name: string, type?: string) =>
    collector.points.filter(
      (point) =>
        point.name === name &&
        point.attributes['gen_ai.request.model'] === 'beta-1' &&
        point.attributes['error.type'] === undefined &&
        point.attributes['gen_ai.token.type'] === type,
    );
  // The answer of the first test, and the lane that won.
  await expect.poll(() => of('gen_ai.client.operation.duration').at(-1)?.count, patience).toBe(2);
  expect(of('gen_ai.client.token.usage', 'input').at(-1)).toMatchObject({ unit: '{token}', count: 2, sum: 20 });
  expect(of('gen_ai.client.token.usage', 'output').at(-1)).toMatchObject({ sum: 10 });
  expect(of('gen_ai.server.time_to_first_token').at(-1)).toMatchObject({ unit: 's', count: 1 });
});

it('sends nothing of what was asked or answered', () => {
  expect(collector.spans.length).toBeGreaterThan(8);
  expect(collector.spans.filter(({ traceId }) => traceId === untracedId)).toEqual([]);
  const sent = (text: string) => collector.received.some((bytes) => bytes.includes(text));
  expect(sent('alpha-1')).toBe(true);
  expect(sent(marker)).toBe(false);
});

it('answers as ever while the collector hangs or is away, and counts what is lost', async () => {
  raw.plays = { 'alpha-1': says(marker) };
  const ask = async () => {
    const answer = await app.client.chat.completions.create({ model: 'alpha-1', messages: user(marker) });
    return answer.choices[0]?.message.content;
  };
  const dropped = async (reason: string) => {
    const text = await (await fetch(`${app.url('router')}/metrics`)).text();
    const line = new RegExp(`^signalbox_otel_spans_dropped_total\\{reason="${reason}"\\} (\\d+)`, 'm');
    return Number(line.exec(text)?.[1] ?? 0);
  };
  collector.isHanging = true;
  expect(new Set(await Promise.all(Array.from({ length: 80 }, ask)))).toEqual(new Set([marker]));
  await expect.poll(() => dropped('queue_full'), patience).toBeGreaterThan(0);
  await collector.stop();
  const before = await dropped('export_failed');
  expect(await ask()).toBe(marker);
  await expect.poll(() => dropped('export_failed'), patience).toBeGreaterThan(before);
});
