import type { ErrorBody } from '../../../src/contracts/api.ts';

/** What a service answered instead of what was asked for; `status` 0 where it could not be reached. */
export class ApiError extends Error {
  override readonly name = 'ApiError';

  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

/** Answers with 401 mean that the session is over; who shows the page wants to know. */
export const sessionEvents = new EventTarget();

export interface Call {
  method?: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  body?: unknown;
  signal?: AbortSignal;
}

/**
 * Calls a path of this origin.
 *
 * @throws ApiError where the answer is not 2xx, or there is none.
 */
export async function call(path: string, { method = 'GET', body, signal }: Call = {}): Promise<Response> {
  const response = await fetch(path, {
    method,
    credentials: 'same-origin',
    headers: {
      accept: 'application/json',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  }).catch((error: unknown) => {
    if (signal?.aborted === true) throw error;
    throw new ApiError('Signalbox cannot be reached', 0);
  });
  if (response.ok) return response;
  if (response.status === 401) sessionEvents.dispatchEvent(new Event('expired'));
  throw new ApiError(await messageIn(response), response.status);
}

/** As `call`, with the answer read as JSON. */
export async function callJson<T>(path: string, options?: Call): Promise<T> {
  const response = await call(path, options);
  return (await response.json()) as T;
}

async function messageIn(response: Response): Promise<string> {
  try {
    const { error } = (await response.json()) as ErrorBody;
    return error.message;
  } catch {
    return `HTTP ${response.status}`;
  }
}

/** A path with its query; what is undefined or empty is left out. */
export function withQuery(path: string, query: Readonly<Record<string, string | number | undefined>>): string {
  const filled = Object.entries(query).flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [[name, String(value)]],
  );
  return filled.length === 0 ? path : `${path}?${new URLSearchParams(filled).toString()}`;
}
