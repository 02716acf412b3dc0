import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { bytesOf, decodeMessage, type Message, messagesOf, numberOf, textOf } from './protobuf.ts';

type Value = string | number | boolean | Value[];
export type Attributes = Record<string, Value>;

export interface CollectedSpan {
  traceId: string;
  spanId: string;
  /** Empty where it has none. */
  parentId: string;
  name: string;
  /** `server` or `client`. */
  kind: string;
  attributes: Attributes;
  resource: Attributes;
  isError: boolean;
}

/** Histograms' points. */
export interface CollectedPoint {
  name: string;
  unit: string;
  count: number;
  sum: number;
  attributes: Attributes;
}

/** An OpenTelemetry collector over HTTP that keeps what it is sent. */
export interface Collector {
  url: string;
  spans: CollectedSpan[];
  points: CollectedPoint[];
  /** Every byte of every request, the heads included. */
  received: Buffer[];
  /** While it is true, requests are taken and never answered. */
  isHanging: boolean;
  stop(): Promise<void>;
}

export async function startCollector(): Promise<Collector> {
  const server = createServer((request, response) => {
    void (async () => {
      const body = await buffer(request);
      if (collector.isHanging) return;
      collector.received.push(Buffer.from(JSON.stringify([request.url, request.headers])), body);
      const { url } = request;
      if (url === '/v1/traces') collector.spans.push(...readSpans(decodeMessage(body)));
      else if (url === '/v1/metrics') collector.points.push(...readPoints(decodeMessage(body)));
      response.statusCode = url === '/v1/traces' || url === '/v1/metrics' ? 200 : 404;
      response.end();
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const collector: Collector = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans: [],
    points: [],
    received: [],
    isHanging: false,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return collector;
}

const kinds: Readonly<Record<number, string>> = { 2: 'server', 3: 'client' };

function readSpans(request: Message): CollectedSpan[] {
  return messagesOf(request, 1).flatMap((ofResource) => {
    const [resource] = messagesOf(ofResource, 1);
    return messagesOf(ofResource, 2)
      .flatMap((scope) => messagesOf(scope, 2))
      .map((span) => ({
        traceId: bytesOf(span, 1).toString('hex'),
        spanId: bytesOf(span, 2).toString('hex'),
        parentId: bytesOf(span, 4).toString('hex'),
        name: textOf(span, 5),
        kind: kinds[numberOf(span, 6)] ?? 'other',
        attributes: readAttributes(messagesOf(span, 9)),
        resource: readAttributes(resource === undefined ? [] : messagesOf(resource, 1)),
        isError: messagesOf(span, 15).some((status) => numberOf(status, 3) === 2),
      }));
  });
}

function readPoints(request: Message): CollectedPoint[] {
  return messagesOf(request, 1)
    .flatMap((resource) => messagesOf(resource, 2))
    .flatMap((scope) => messagesOf(scope, 2))
    .flatMap((metric) =>
      messagesOf(metric, 9)
        .flatMap((histogram) => messagesOf(histogram, 1))
        .map((point) => ({
          name: textOf(metric, 1),
          unit: textOf(metric, 3),
          count: Number(bytesOf(point, 4).readBigUInt64LE()),
          sum: bytesOf(point, 5).readDoubleLE(),
          attributes: readAttributes(messagesOf(point, 9)),
        })),
    );
}

function readAttributes(pairs: readonly Message[]): Attributes {
  return Object.fromEntries(
    pairs.map((pair) => [textOf(pair, 1), readValue(messagesOf(pair, 2)[0] ?? new Map())] as const),
  );
}

function readValue(value: Message): Value {
  if (value.has(2)) return numberOf(value, 2) === 1;
  if (value.has(3)) return numberOf(value, 3);
  if (value.has(4)) return bytesOf(value, 4).readDoubleLE();
  if (value.has(5)) return messagesOf(value, 5).flatMap((list) => messagesOf(list, 1).map(readValue));
  return textOf(value, 1);
}
