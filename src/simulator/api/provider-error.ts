import { randomBytes } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { faultForms, type Fault, type FaultStatus, parseFault } from '../faults.ts';

/** The shapes in which providers answer; Ollama answers in OpenAI's. */
export type Shape = 'openai' | 'anthropic';

/** An error as a provider sends it, body and all. */
export class ProviderError extends Error {
  readonly status: number;
  readonly body: object;
  readonly headers: Record<string, string>;

  constructor(status: number, message: string, body: object, headers: Record<string, string> = {}) {
    super(message);
    this.name = 'ProviderError';
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

interface OpenAiDetails {
  type?: string;
  param?: string | null;
  code?: string | null;
  headers?: Record<string, string>;
}

export function openAiError(status: number, message: string, details: OpenAiDetails = {}): ProviderError {
  const { type = 'invalid_request_error', param = null, code = null, headers } = details;
  return new ProviderError(status, message, { error: { message, type, param, code } }, headers);
}

const anthropicTypes: Record<number, string> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  500: 'api_error',
  503: 'api_error',
  529: 'overloaded_error',
};

export function anthropicError(status: number, message: string, headers?: Record<string, string>): ProviderError {
  const requestId = `req_${randomBytes(12).toString('hex')}`;
  const error = { type: anthropicTypes[status] ?? 'invalid_request_error', message };
  const body = { type: 'error', error, request_id: requestId };
  return new ProviderError(status, message, body, { 'request-id': requestId, ...headers });
}

/** An error whose message is the same in both shapes. */
export function providerError(shape: Shape, status: number, message: string, details: OpenAiDetails = {}) {
  return shape === 'anthropic'
    ? anthropicError(status, message, details.headers)
    : openAiError(status, message, details);
}

const openAiFaults: Record<FaultStatus, { message: string; type: string; code: string | null }> = {
  401: {
    message: 'Incorrect API key provided. You can find your API key at https://platform.openai.com/account/api-keys.',
    type: 'invalid_request_error',
    code: 'invalid_api_key',
  },
  429: {
    message: 'Rate limit reached on requests per min (RPM). Please try again later.',
    type: 'requests',
    code: 'rate_limit_exceeded',
  },
  500: {
    message: 'The server had an error while processing your request. Sorry about that!',
    type: 'server_error',
    code: null,
  },
  503: {
    message: 'The engine is currently overloaded, please try again later.',
    type: 'service_unavailable_error',
    code: null,
  },
  529: {
    message: 'The engine is currently overloaded, please try again later.',
    type: 'service_unavailable_error',
    code: null,
  },
};

const anthropicFaults: Record<FaultStatus, string> = {
  401: 'invalid x-api-key',
  429: 'This request would exceed your rate limit. Please try again later.',
  500: 'Internal server error',
  503: 'Service unavailable',
  529: 'Overloaded',
};

/** The error of an `http_*` fault. */
export function faultError(shape: Shape, fault: Extract<Fault, { kind: 'http' }>): ProviderError {
  const { status, retryAfterSeconds } = fault;
  const headers: Record<string, string> =
    retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) };
  if (shape === 'anthropic') return anthropicError(status, anthropicFaults[status], headers);
  const { message, ...details } = openAiFaults[status];
  return openAiError(status, message, { ...details, headers });
}

/** The fault in the request's `x-sim-fault` header; a 400 that lists all faults if it is none. */
export function requestedFault(request: FastifyRequest, shape: Shape): Fault | undefined {
  const header = request.headers['x-sim-fault'];
  if (header === undefined) return undefined;
  const fault = parseFault(String(header));
  if (fault === undefined) throw unknownFault(shape);
  return fault;
}

export function unknownFault(shape: Shape): ProviderError {
  return providerError(shape, 400, `Unknown fault. Faults: ${faultForms.join(', ')}`, {
    param: 'x-sim-fault',
    code: 'unknown_fault',
  });
}

function openAiPath(path: readonly PropertyKey[]): string {
  return path
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : `${index === 0 ? '' : '.'}${String(step)}`))
    .join('');
}

/** Reads a body; a 400 in the provider's words that names the first offending part. */
export function parseBody<T>(schema: z.ZodType<T>, body: unknown, shape: Shape): T {
  const parsed = schema.safeParse(body ?? {});
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const path = issue?.path ?? [];
  const missing = issue?.code === 'invalid_type' && issue.message.endsWith('received undefined');
  if (shape === 'anthropic') {
    throw anthropicError(400, `${path.map(String).join('.')}: ${missing ? 'Field required' : (issue?.message ?? '')}`);
  }
  const param = openAiPath(path);
  throw missing
    ? openAiError(400, `Missing required parameter: '${param}'.`, { param, code: 'missing_required_parameter' })
    : openAiError(400, `Invalid value for '${param}': ${issue?.message ?? 'invalid'}.`, {
        param,
        code: 'invalid_value',
      });
}

/** A 401 unless the request carries some key; which one does not matter. */
export function requireKey(request: FastifyRequest, shape: Shape): void {
  const { authorization, 'x-api-key': apiKey } = request.headers;
  if (/^Bearer \S/i.test(authorization ?? '')) return;
  if (shape === 'anthropic') {
    if (typeof apiKey === 'string' && apiKey !== '') return;
    throw anthropicError(401, 'x-api-key header is required');
  }
  throw openAiError(
    401,
    "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth " +
      '(i.e. Authorization: Bearer YOUR_KEY).',
  );
}
