import rateLimit, { normalizeIP } from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ServiceName } from '../../contracts/api.ts';
import type { Config } from '../config/load.ts';
import { SignalboxError } from '../core/errors.ts';
import type { Live } from '../core/live.ts';
import { presentedKey } from '../security/master-key.ts';
import type { Metrics } from '../telemetry/metrics.ts';

/** Counts a refusal, and says with which error to answer it. `isKnown`: the request came with a good key. */
export type NoteFailure = (request: FastifyRequest, refusal: unknown, isKnown: boolean) => Promise<Error>;

const windowMs = 60_000;

/**
 * Answers 429 to wrong keys once an address (of IPv6 its /64), or all addresses together, have sent too many within a
 * minute. Good keys are never asked for here: whoever shares an address with a flood of wrong ones does not notice it.
 * A request without a key guesses nothing, and is not counted. Remembers 5000 addresses.
 */
export async function limitFailures(
  server: FastifyInstance,
  options: { service: ServiceName; config: Live<Pick<Config, 'authentication'>>; metrics: Metrics },
): Promise<NoteFailure> {
  const { service, config, metrics } = options;
  const failures = metrics.counter('signalbox_authentication_failures_total');
  await server.register(rateLimit, { global: false });
  const limits = [
    server.createRateLimit({
      max: () => config().authentication.failures_per_minute,
      timeWindow: windowMs,
      keyGenerator: addressOf,
    }),
    server.createRateLimit({
      max: () => config().authentication.all_failures_per_minute,
      timeWindow: windowMs,
      keyGenerator: () => 'all',
    }),
  ];

  return async function noteFailure(request, refusal, isKnown) {
    if (!(refusal instanceof SignalboxError)) return refusal as Error;
    if (refusal.code === 'forbidden' && isKnown) failures.inc({ service, reason: 'forbidden' });
    // The others are of no key: a compressed body, the page of another site, or keys that were not read yet.
    if (refusal.code !== 'unauthorized') return refusal;
    if (presentedKey(request.headers) === undefined) {
      failures.inc({ service, reason: 'no_key' });
      return refusal;
    }
    const counts = await Promise.all(limits.map((count) => count(request)));
    const waits = counts.flatMap((count) => (!count.isAllowed && count.isExceeded ? [count.ttlInSeconds] : []));
    failures.inc({ service, reason: waits.length === 0 ? 'wrong_key' : 'limited' });
    return waits.length === 0 ? refusal : tooManyFailures(Math.max(...waits));
  };
}

/** Of a connection that was reset meanwhile the address is not known any more. */
function addressOf({ ip }: { ip?: string | undefined }): string {
  return ip === undefined ? 'unknown' : normalizeIP(ip);
}

/** @param seconds after which the next wrong key is looked at again. */
export function tooManyFailures(seconds: number): SignalboxError {
  return new SignalboxError('rate_limited', `too many wrong keys; try again in ${seconds} seconds`, {
    headers: { 'retry-after': String(seconds) },
  });
}
