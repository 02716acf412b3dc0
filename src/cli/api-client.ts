import type { ErrorBody } from '../contracts/api.ts';
import type { Config } from '../platform/config/load.ts';
import { StartupError } from '../platform/core/errors.ts';

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
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch (error) {
    throw new StartupError(`nothing answers at ${new URL(url).origin}; start it with: signalbox up`, { cause: error });
  }
  const text = await response.text();
  const answer = parseJson(text);
  if (!response.ok) {
    const { error } = (answer ?? {}) as Partial<ErrorBody>;
    const hint = response.status === 401 ? ' (set SIGNALBOX_MASTER_KEY)' : '';
    throw new StartupError(`${error?.message ?? `${url} answered ${response.status}`}${hint}`);
  }
  if (answer === undefined) throw new StartupError(`${url} did not answer with JSON; is it a Signalbox?`);
  return answer;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
