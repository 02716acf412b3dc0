import type { Readable } from 'node:stream';
import { Agent } from 'undici';
import type { ServiceName } from '../../contracts/api.ts';
import type { Config } from '../../platform/config/load.ts';
import { messageOf, SignalboxError } from '../../platform/core/errors.ts';
import type { Live } from '../../platform/core/live.ts';
import type { Service } from '../../platform/core/service.ts';
import { baseUrlOf } from '../../platform/http/base-url.ts';

export type SiblingName = Exclude<ServiceName, 'central'>;

export interface SiblingRequest {
  method: 'GET' | 'POST';
  /** With the query; sent as it is. */
  path: string;
  headers: Readonly<Record<string, string>>;
  body: Buffer | null;
  signal: AbortSignal;
}

export interface SiblingAnswer {
  status: number;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Breaks off when `signal` aborts. */
  body: Readable;
}

/** The other services, as central reaches them: with the master key, wherever they are. */
export interface Siblings extends Service {
  /** Null where that is not known. */
  urlOf(name: SiblingName): string | null;
  /** Throws `service_unreachable` where the service does not answer. */
  send(name: SiblingName, request: SiblingRequest): Promise<SiblingAnswer>;
}

/** A race or a long answer may take as long as the deadlines of the router allow by default. */
const answerTimeoutMs = 310_000;
const silenceTimeoutMs = 125_000;

export function createSiblings(
  config: Live<Pick<Config, 'host' | 'ports' | 'master_key' | 'dashboard'>>,
  runningPorts: Readonly<Partial<Record<ServiceName, number>>>,
): Siblings {
  const agent = new Agent({
    connect: { timeout: 3000 },
    headersTimeout: answerTimeoutMs,
    bodyTimeout: silenceTimeoutMs,
  });

  function urlOf(name: SiblingName): string | null {
    const { dashboard, host, ports } = config();
    const named = dashboard[`${name}_url`];
    if (named !== undefined) return named.replace(/\/+$/, '');
    const port = runningPorts[name] ?? ports[name];
    return port === 0 ? null : baseUrlOf(host, port);
  }

  return {
    name: 'siblings',
    start: () => Promise.resolve(),
    stop: () => agent.destroy(),
    urlOf,
    async send(name, { method, path, headers, body, signal }) {
      const url = urlOf(name);
      if (url === null) {
        throw new SignalboxError(
          'service_unreachable',
          `where the ${name} is, is not known: set dashboard.${name}_url`,
        );
      }
      const { origin, pathname } = new URL(url);
      const { master_key: masterKey } = config();
      const authorization = masterKey === undefined ? {} : { authorization: `Bearer ${masterKey}` };
      try {
        // Not as a URL, which would resolve `..` to a path that nobody has allowed.
        const answer = await agent.request({
          origin,
          path: `${pathname === '/' ? '' : pathname}${path}`,
          method,
          headers: { ...headers, ...authorization },
          body,
          signal,
        });
        return { status: answer.statusCode, headers: answer.headers, body: answer.body };
      } catch (error) {
        throw new SignalboxError('service_unreachable', `the ${name} does not answer at ${url}: ${messageOf(error)}`, {
          cause: error,
        });
      }
    },
  };
}
