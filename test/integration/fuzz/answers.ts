import { expect } from 'vitest';
import { errorCatalogue } from '../../../src/platform/core/errors.ts';
import { faultsAllowedTo } from './allowed-faults.ts';
import type { Operation } from './operations.ts';

export interface Answer {
  status: number;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: string;
}

/** Fails unless the answer is a success, or a refusal in the documented shape. */
export function checkAnswer(operation: Operation, method: string, answer: Answer): void {
  const { status, headers, body } = answer;
  expect(status, body).toBeGreaterThanOrEqual(200);
  if (status < 400) return;
  if (method === 'HEAD') {
    expect(status).toBeLessThan(500);
    return;
  }
  const document = parseJson(body);
  // Requests that reach no route of Anthropic's API are answered as on any other.
  if (operation.path.startsWith('/v1/messages') && document !== null && 'type' in document) {
    checkMessagesError(operation, status, document);
    return;
  }
  expect(document, `not an error document: ${body}`).toEqual({ error: expect.any(Object) });
  const { error } = document as { error: { param: unknown; code: unknown; type: unknown } };
  expect(error).toEqual({
    message: expect.stringMatching(/./s),
    type: expect.any(String),
    param: error.param === null ? null : expect.any(String),
    code: error.code === null ? null : expect.any(String),
  });
  // What a provider says about the request is handed on in its own words.
  const isRelayed = headers['x-signalbox-attempts'] !== undefined;
  const known = Object.entries(errorCatalogue).find(([code]) => code === error.code);
  if (!isRelayed) expect({ status, type: error.type }, body).toEqual(known?.[1]);
  if (status < 500) return;
  const allowed = faultsAllowedTo(operation);
  expect(allowed, body).toContain(error.code);
}

/** Anthropic's shape has no code; its types stand for statuses. */
function checkMessagesError(operation: Operation, status: number, document: object): void {
  expect(document).toMatchObject({
    type: 'error',
    error: { type: expect.stringMatching(/_error$|^request_too_large$/), message: expect.stringMatching(/./s) },
  });
  const allowed = faultsAllowedTo(operation).map((code) => errorCatalogue[code].status);
  if (status >= 500) expect(allowed).toContain(status);
}

function parseJson(text: string): object | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}

/** The ids of the lanes that an answer of the router tells of. */
export function laneIdsOf({ path }: Operation, { status, body }: Answer): string[] {
  if (status !== 200 || path !== '/race' || !body.startsWith('{')) return [];
  return (JSON.parse(body) as { candidates: Array<{ decision_id: string }> }).candidates.map(
    (lane) => lane.decision_id,
  );
}

/** The id of the decision that an answer of the router tells of, if it does. */
export function decisionIdOf({ path }: Operation, { status, headers, body }: Answer): string | undefined {
  const header = headers['x-signalbox-decision-id'];
  if (typeof header === 'string') return header;
  if (status !== 200 || !/^\/route(\/|$)/.test(path)) return undefined;
  return (JSON.parse(body) as { decision_id: string }).decision_id;
}
