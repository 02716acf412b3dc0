/** What an error says, before it takes the shape of an API. */
export interface ErrorContent {
  status: number;
  message: string;
  type: string;
  param: string | null;
  code: string | null;
}

/** The shapes in which a route answers errors. */
export type ErrorShape = 'openai' | 'anthropic';

/** OpenAI's error document. */
export function openAiErrorBody({ message, type, param, code }: ErrorContent): unknown {
  return { error: { message, type, param, code } };
}

/** Anthropic's names for its statuses, as in its API reference. */
const anthropicTypes: ReadonlyMap<number, string> = new Map([
  [400, 'invalid_request_error'],
  [401, 'authentication_error'],
  [402, 'billing_error'],
  [403, 'permission_error'],
  [404, 'not_found_error'],
  [413, 'request_too_large'],
  [429, 'rate_limit_error'],
  [503, 'overloaded_error'],
  [504, 'timeout_error'],
  [529, 'overloaded_error'],
]);

/** Anthropic's error document. It has no place for parameter and code; the message names them. */
export function anthropicErrorBody({ status, message }: ErrorContent): unknown {
  const type = anthropicTypes.get(status) ?? (status >= 500 ? 'api_error' : 'invalid_request_error');
  return { type: 'error', error: { type, message } };
}

export function errorBodyOf(shape: ErrorShape, error: ErrorContent): unknown {
  return shape === 'anthropic' ? anthropicErrorBody(error) : openAiErrorBody(error);
}
