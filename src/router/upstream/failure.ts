/**
 * Why an attempt failed, as far as it matters for what to do next.
 *
 * | class | next |
 * |---|---|
 * | client | the request itself is wrong: the provider's answer goes to the client |
 * | unsupported | this provider's dialect cannot express the request: the next model |
 * | auth | this provider's key does not work: its next key, then the next provider |
 * | not_found | the provider does not have the model: the next one |
 * | rate_limit | the next key, then the next model; 429 with Retry-After where all are limited |
 * | server, network, bad_response | the same model once more after a pause, then the next |
 * | timeout | the next model |
 */
export type FailureClass =
  'client' | 'unsupported' | 'auth' | 'not_found' | 'rate_limit' | 'server' | 'network' | 'bad_response' | 'timeout';

export interface Failure {
  class: FailureClass;
  status: number | null;
  retryAfterSeconds: number | null;
}

/** The class of an HTTP status that is not a success. */
export function classifyStatus(status: number): FailureClass {
  // 402: the credit of this key is used up.
  if (status === 401 || status === 402 || status === 403) return 'auth';
  if (status === 404) return 'not_found';
  if (status === 408) return 'timeout';
  if (status === 429) return 'rate_limit';
  if (status >= 500) return 'server';
  // A redirect is no answer either; providers do not send them.
  return status >= 400 ? 'client' : 'bad_response';
}

/** Whether the same model may answer when it is asked again. */
export function isWorthRepeating(failure: FailureClass): boolean {
  return failure === 'server' || failure === 'network' || failure === 'bad_response';
}

/** Whether another key of the same provider may do. */
export function isOfTheKey(failure: FailureClass): boolean {
  return failure === 'auth' || failure === 'rate_limit';
}
