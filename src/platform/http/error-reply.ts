import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { FastifySchemaValidationError } from 'fastify/types/schema.js';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import type { z } from 'zod';
import { SignalboxError } from '../core/errors.ts';
import { type ErrorShape, errorBodyOf, openAiErrorBody } from './error-shapes.ts';
import { isUnavailable } from '../postgres/retryable.ts';
import type { Logger } from '../telemetry/logger.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** How the route answers errors; OpenAI's way where it does not say. */
    errorShape?: ErrorShape;
  }
}

/** Everything that a route may throw, as the coded error that the client sees. What is unexpected becomes `internal`. */
export function toSignalboxError(error: unknown): SignalboxError {
  if (error instanceof SignalboxError) return error;
  if (hasZodFastifySchemaValidationErrors(error)) {
    const [first] = error.validation;
    const mistake = first === undefined ? undefined : furthest(first);
    const path = parameterPath(mistake?.pointer ?? '');
    const where = path === '' ? (error.validationContext ?? 'body') : path;
    return new SignalboxError('invalid_request', `${where}: ${mistake?.message ?? 'invalid'}`, {
      param: where,
      cause: error,
    });
  }
  const { code, statusCode } = error as Partial<FastifyError>;
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return new SignalboxError('payload_too_large', 'the request body is too large', { cause: error });
  }
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    return new SignalboxError('unsupported_media_type', 'send the body as application/json', { cause: error });
  }
  if (error instanceof SyntaxError || code === 'FST_ERR_CTP_INVALID_JSON_BODY') {
    return new SignalboxError('invalid_json', 'the request body is not valid JSON', { cause: error });
  }
  // SQLSTATE class 22, data exception: the caller sent a value that no column can hold, such as a NUL in a text.
  if (typeof code === 'string' && /^22[0-9A-Z]{3}$/.test(code)) {
    return new SignalboxError('invalid_request', 'a value in the request cannot be stored', { cause: error });
  }
  // Before what follows: a client that breaks off its own body looks like a lost connection too.
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new SignalboxError('invalid_request', (error as Error).message, { cause: error });
  }
  if (isUnavailable(error)) {
    return new SignalboxError('not_ready', 'the database cannot be reached', {
      cause: error,
      headers: { 'retry-after': '1' },
    });
  }
  return new SignalboxError('internal', 'internal error', { cause: error });
}

interface Mistake {
  /** A JSON pointer. */
  pointer: string;
  message: string;
}

/** Where a value may be one of several kinds, the mistake is that of the kind which it comes closest to. */
function furthest(issue: FastifySchemaValidationError): Mistake {
  const { instancePath, message = 'invalid', params } = issue;
  return furthestOf({ pointer: instancePath, message }, params['errors'], instancePath);
}

function furthestOf(start: Mistake, branches: unknown, above: string): Mistake {
  let best = start;
  for (const branch of Array.isArray(branches) ? (branches as readonly z.core.$ZodIssue[][]) : []) {
    const [issue] = branch;
    if (issue === undefined || issue.path.length === 0) continue;
    const pointer = `${above}/${issue.path.map(String).join('/')}`;
    const inner = issue.code === 'invalid_union' ? issue.errors : [];
    const found = furthestOf({ pointer, message: issue.message }, inner, pointer);
    if (found.pointer.split('/').length > best.pointer.split('/').length) best = found;
  }
  return best;
}

/** `/messages/0/role` → `messages[0].role`. */
export function parameterPath(jsonPointer: string): string {
  return jsonPointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((part, index) => (/^\d+$/.test(part) ? `[${part}]` : index === 0 ? part : `.${part}`))
    .join('');
}

export function createErrorHandler(log: Logger) {
  return function handleError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const known = toSignalboxError(error);
    if (known.status >= 500) {
      log.error(
        { err: known.cause ?? known, code: known.code, route: request.routeOptions.url, request_id: request.id },
        'request failed',
      );
    }
    const shape = request.routeOptions.config.errorShape ?? 'openai';
    void reply.status(known.status).headers(known.headers).send(errorBodyOf(shape, known));
  };
}

const lingerMs = 1000;

/** Answers bytes that no request could be read from, and closes the connection. */
export function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const refusal = refusalOf(error.code);
  const body = JSON.stringify(openAiErrorBody(refusal));
  const status = `${refusal.status} ${STATUS_CODES[refusal.status] ?? ''}`;
  socket.end(
    `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  // A client that goes on sending would hold the connection; one that still reads has time to.
  const linger = setTimeout(() => socket.destroy(), lingerMs);
  socket.once('close', () => clearTimeout(linger));
}

function refusalOf(code: string | undefined): SignalboxError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new SignalboxError('headers_too_large', 'the headers are too large');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new SignalboxError('request_timeout', 'the request did not arrive in time');
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new SignalboxError('payload_too_large', 'the extensions of a chunk are too long');
    default:
      return new SignalboxError('invalid_request', 'the request is not valid HTTP');
  }
}
