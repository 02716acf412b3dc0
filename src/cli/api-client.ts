import { userInfo } from 'node:os';
import { createParser } from 'eventsource-parser';
import { type Dispatcher, request } from 'undici';
import { toldNameHeader } from '../contracts/audit.ts';
import type { ErrorBody } from '../contracts/api.ts';
import type { Config } from '../platform/config/load.ts';
import { messageOf, StartupError } from '../platform/core/errors.ts';

const timeoutMs = 10_000;

/**
 * Calls a running Signalbox and gives back its JSON.
 *
 * @throws StartupError with one line: nothing listens there, or what the service said.
 */
export async function callService(
  config: Config,
  url: string,
  body?: unknown,
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE' = body === undefined ? 'GET' : 'POST',
): Promise<unknown> {
  const key = config.master_key;
  let response: Response;
  try {
    response = await fetch(url, {
      method,
      signal: AbortSignal.timeout(timeoutMs),
      headers: {
        ...(method === 'GET' ? {} : { [toldNameHeader]: encodeURIComponent(userName()) }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch (error) {
    throw unreachable(url, error);
  }
  const text = await response.text();
  const answer = parseJson(text);
  if (!response.ok) throw refusal(url, response.status, answer);
  if (answer === undefined) throw new StartupError(`${url} did not answer with JSON; is it a Signalbox?`);
  return answer;
}

/** One server-sent event; its data are JSON. */
export interface ServiceEvent {
  name: string;
  data: unknown;
}

/**
 * Calls a running Signalbox for an answer that comes as server-sent events. It may take as long as it takes, until `signal`
 * aborts; then the events end, and the service sees that its caller has left.
 *
 * @throws StartupError as `callService`, and for an answer that is broken off.
 */
export async function* callForEvents(
  config: Config,
  url: string,
  body: unknown,
  signal: AbortSignal,
): AsyncGenerator<ServiceEvent> {
  const key = config.master_key;
  let answer: Dispatcher.ResponseData;
  try {
    answer = await request(url, {
      method: 'POST',
      signal,
      headersTimeout: 0,
      bodyTimeout: 0,
      headers: {
        'content-type': 'application/json',
        accept: 'text/event-stream, application/json',
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      },
      body: JSON.stringify(body),
    });
  } catch (error) {
    if (signal.aborted) return;
    throw unreachable(url, error);
  }
  const events: ServiceEvent[] = [];
  const parser = createParser({
    onEvent: ({ event = 'message', data }) => events.push({ name: event, data: parseJson(data) }),
  });
  try {
    const { statusCode, headers } = answer;
    if (statusCode !== 200) throw refusal(url, statusCode, parseJson(await answer.body.text()));
    if (!String(headers['content-type']).startsWith('text/event-stream')) {
      throw new StartupError(`${url} did not answer with events; is it a Signalbox?`);
    }
    const decoder = new TextDecoder();
    for await (const chunk of answer.body as AsyncIterable<Uint8Array>) {
      parser.feed(decoder.decode(chunk, { stream: true }));
      yield* events.splice(0);
    }
  } catch (error) {
    if (signal.aborted) return;
    if (error instanceof StartupError) throw error;
    throw new StartupError(`${url} broke its answer off: ${messageOf(error)}`, { cause: error });
  }
}

/** Whoever runs this process. A system need not know it, as in a container. */
export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'operator';
  }
}

function unreachable(url: string, cause: unknown): StartupError {
  return new StartupError(`nothing answers at ${new URL(url).origin}; start it with: signalbox up`, { cause });
}

function refusal(url: string, status: number, answer: unknown): StartupError {
  const { error } = (answer ?? {}) as Partial<ErrorBody>;
  const hint = status === 401 ? ' (set SIGNALBOX_MASTER_KEY)' : '';
  return new StartupError(`${error?.message ?? `${url} answered ${status}`}${hint}`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
