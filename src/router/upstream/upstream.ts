import type { Provider } from '../../platform/providers/definitions.ts';

/** One call of one model. `body` is the client's own request and is never changed. */
export interface UpstreamRequest {
  provider: Provider;
  modelId: string;
  body: Readonly<Record<string, unknown>>;
  stream: boolean;
  signal: AbortSignal;
}

/**
 * What came back, always in OpenAI's dialect: a JSON document, or server-sent events where a stream was asked for and
 * the status is 200. The body must be read to its end or destroyed by aborting the request's signal.
 */
export interface UpstreamReply {
  status: number;
  contentType: string;
  retryAfterSeconds: number | null;
  body: AsyncIterable<Uint8Array>;
}

/** Makes the call. Throws on network errors and aborts; an HTTP error status is a reply. */
export type CallUpstream = (request: UpstreamRequest) => Promise<UpstreamReply>;

/** Fields that steer Signalbox and that no provider knows. OpenRouter does know `models` and `provider`. */
const ownFields: ReadonlySet<string> = new Set(['session_id', 'max_cost_usd']);
const openRouterFields: ReadonlySet<string> = new Set(['models', 'provider']);

/** The client's request as it goes to the provider: with the routed model's name, without what steers the gateway. */
export function upstreamBody({ body, modelId, provider }: UpstreamRequest): Record<string, unknown> {
  const kept = Object.entries(body).filter(
    ([name]) => !ownFields.has(name) && (provider.kind === 'openrouter' || !openRouterFields.has(name)),
  );
  return { ...Object.fromEntries(kept), model: modelId };
}

/** Seconds of a Retry-After header, which holds either a number of seconds or a date; null where it holds neither. */
export function parseRetryAfter(header: string | undefined, nowMs: number): number | null {
  if (header === undefined) return null;
  const seconds = Number(header);
  if (header.trim() !== '' && Number.isFinite(seconds)) return Math.max(0, Math.ceil(seconds));
  const date = Date.parse(header);
  return Number.isNaN(date) ? null : Math.max(0, Math.ceil((date - nowMs) / 1000));
}
