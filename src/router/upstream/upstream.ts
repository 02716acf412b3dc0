import type { Provider } from '../../platform/providers/definitions.ts';
import type { Span } from '../../platform/telemetry/span.ts';
import type { Body, Surface } from '../surfaces/surface.ts';

/** A request as the client sent it; nothing of it is ever changed. */
export interface ClientRequest {
  surface: Surface;
  /** The body byte for byte, and what it says. */
  bytes: Buffer;
  body: Body;
  stream: boolean;
  /** True where the usage of a stream is wanted though the client does not ask for it; see `wantsUsage`. */
  keepsUsage?: boolean;
  /** Headers of the client that the provider is to see as well. */
  headers: Readonly<Record<string, string>>;
  /** Its place in its trace; null where it is not traced. */
  span: Span | null;
  /** The query of the request's address, such as `?beta=true`; empty where it has none. */
  query: string;
}

/** Largest whole answer, largest head of a stream, and largest event of one, that is kept in memory. */
export const maxAnswerBytes = 64 * 1024 * 1024;

/** One call of one model. */
export interface UpstreamRequest {
  provider: Provider;
  apiKey: string | null;
  modelId: string;
  request: ClientRequest;
  signal: AbortSignal;
}

/**
 * What came back, in the dialect of the request's surface: a JSON document, or server-sent events where a stream was
 * asked for and the status is 200. It must be read to its end or destroyed by aborting the request's signal.
 */
export interface UpstreamReply {
  status: number;
  contentType: string;
  retryAfterSeconds: number | null;
  /** Headers of the provider that the client is to see as well. */
  headers: Readonly<Record<string, string>>;
  body: AsyncIterable<Uint8Array>;
}

/** Makes the call. Throws on network errors and aborts; an HTTP error status is a reply. */
export type CallUpstream = (request: UpstreamRequest) => Promise<UpstreamReply>;

/** By which a provider takes a request for a repeat of an earlier one, and answers the same again. */
const idempotencyKey = 'idempotency-key';

/** The headers of a client for calls that are no repeats of each other, though they come of one request. */
export function withoutIdempotencyKey(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name !== idempotencyKey));
}

/** Whether the provider speaks the dialect of the request itself. */
export function passesThrough(provider: Provider, surface: Surface): boolean {
  return provider.passes.includes(surface.name);
}

/** Seconds of a Retry-After header, which holds either a number of seconds or a date; null where it holds neither. */
export function parseRetryAfter(header: string | undefined, nowMs: number): number | null {
  if (header === undefined) return null;
  const seconds = Number(header);
  if (header.trim() !== '' && Number.isFinite(seconds)) return Math.max(0, Math.ceil(seconds));
  const date = Date.parse(header);
  return Number.isNaN(date) ? null : Math.max(0, Math.ceil((date - nowMs) / 1000));
}
