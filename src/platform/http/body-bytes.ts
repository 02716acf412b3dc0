import type { FastifyRequest } from 'fastify';
import { SignalboxError } from '../core/errors.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The body byte for byte; undefined where the request has none. Read by `bodyBytesOf`. */
    rawBody: Buffer | undefined;
  }
}

/** @throws SignalboxError `invalid_request` where the request has no body. */
export function bodyBytesOf({ rawBody }: FastifyRequest): Buffer {
  if (rawBody === undefined) throw new SignalboxError('invalid_request', 'body: is missing');
  return rawBody;
}
