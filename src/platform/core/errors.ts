/** The coded errors of Signalbox. `docs/errors.md` lists exactly these codes; a test compares the two. */
export const errorCatalogue = {
  invalid_request: { status: 400, type: 'invalid_request_error' },
  invalid_json: { status: 400, type: 'invalid_request_error' },
  unauthorized: { status: 401, type: 'authentication_error' },
  budget_exceeded: { status: 402, type: 'insufficient_quota' },
  price_unknown: { status: 402, type: 'insufficient_quota' },
  race_too_costly: { status: 402, type: 'insufficient_quota' },
  forbidden: { status: 403, type: 'permission_error' },
  model_not_allowed: { status: 403, type: 'permission_error' },
  not_found: { status: 404, type: 'invalid_request_error' },
  model_not_found: { status: 404, type: 'invalid_request_error' },
  request_timeout: { status: 408, type: 'invalid_request_error' },
  conflict: { status: 409, type: 'invalid_request_error' },
  payload_too_large: { status: 413, type: 'invalid_request_error' },
  unsupported_media_type: { status: 415, type: 'invalid_request_error' },
  headers_too_large: { status: 431, type: 'invalid_request_error' },
  rate_limited: { status: 429, type: 'rate_limit_error' },
  internal: { status: 500, type: 'server_error' },
  upstream_failed: { status: 502, type: 'upstream_error' },
  service_unreachable: { status: 502, type: 'server_error' },
  no_consensus: { status: 502, type: 'upstream_error' },
  no_valid_answer: { status: 502, type: 'upstream_error' },
  upstream_auth_failed: { status: 502, type: 'upstream_error' },
  upstream_overloaded: { status: 503, type: 'upstream_error' },
  no_eligible_model: { status: 503, type: 'server_error' },
  not_ready: { status: 503, type: 'server_error' },
  stopping: { status: 503, type: 'server_error' },
  deadline_exceeded: { status: 504, type: 'timeout_error' },
} as const;

export type ErrorCode = keyof typeof errorCatalogue;

export interface ErrorDetails {
  /** The path of the offending part of the input, such as `messages[0].role`. */
  param?: string;
  headers?: Record<string, string>;
  cause?: unknown;
}

/** An error that may be shown to a client: its message holds no prompt, answer or key. */
export class SignalboxError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly type: string;
  readonly param: string | null;
  readonly headers: Record<string, string>;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, { cause: details.cause });
    this.name = 'SignalboxError';
    this.code = code;
    this.status = errorCatalogue[code].status;
    this.type = errorCatalogue[code].type;
    this.param = details.param ?? null;
    this.headers = details.headers ?? {};
  }
}

/** A condition that ends the process with one clear line instead of a stack trace: bad configuration, a port in use. */
export class StartupError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StartupError';
  }
}

export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}
