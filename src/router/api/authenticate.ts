import type { FastifyRequest } from 'fastify';
import type { Admission, Caller } from '../admission/admission.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; set for every route that is not open to everybody. */
    caller: Caller;
  }
}

/** Notes the caller on each request. Throws as `Admission.authenticate`. */
export function authenticateWith(admission: Admission) {
  return function authenticate(request: FastifyRequest): Caller {
    request.caller = admission.authenticate(request.headers);
    return request.caller;
  };
}
