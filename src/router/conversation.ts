import { hash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Caller } from './admission/admission.ts';
import type { RequestReading } from './surfaces/surface.ts';

const sessionHeaders = ['x-session-id', 'x-signalbox-session-id', 'x-litellm-session-id'] as const;

/** The conversation that a session or an earlier answer names, as it is remembered; never leaves this process. */
export function conversationIdOf(name: string, caller: Caller): string {
  return hash('sha1', `${caller.keyId ?? ''} named ${name}`, 'base64');
}

/**
 * The conversation of a request: the answer that it goes on from, or the client's own name for it, or else how it began,
 * so that every further turn of it is the same.
 */
export function conversationOf(reading: RequestReading, headers: IncomingHttpHeaders, caller: Caller): string {
  const header = sessionHeaders.map((name) => headers[name]).find((value) => typeof value === 'string' && value !== '');
  const name = reading.previousAnswerId ?? reading.sessionId ?? header;
  if (typeof name === 'string') return conversationIdOf(name, caller);
  return hash('sha1', `${caller.keyId ?? ''} opening ${reading.prompt.opening}`, 'base64');
}
