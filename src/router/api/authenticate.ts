import type { FastifyRequest } from 'fastify';
import { SignalboxError } from '../../platform/core/errors.ts';
import type { Live } from '../../platform/core/live.ts';
import type { Admission, Caller } from '../admission/admission.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; set for every route that is not open to everybody. */
    caller: Caller;
  }
}

/** What a virtual key opens, as routes are declared: what its owner needs to have questions answered. */
const openToKeys = /^\/(?:v1\/.*|route|route\/refinement|classify|feedback|race)$/;

/**
 * Notes the caller on each request.
 *
 * @throws SignalboxError `unauthorized` without a valid key, or with one that does not open this route.
 */
export function authenticateWith(admission: Admission, isKeyRequired: Live<boolean>) {
  return function authenticate(request: FastifyRequest): void {
    const caller = admission.authenticate(request.headers);
    // The declared route and not the path, which may be written in many ways. Where there is no route, there is no secret.
    const route = request.routeOptions.url;
    if (isKeyRequired() && caller.keyId !== null && route !== undefined && !openToKeys.test(route)) {
      throw new SignalboxError('unauthorized', 'this needs the master key');
    }
    request.caller = caller;
  };
}
