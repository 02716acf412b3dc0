import type { Body } from '../surfaces/surface.ts';
import { providerRunTool } from '../surfaces/chat/provider-run.ts';
import { rewriteBody } from '../upstream/rewrite-body.ts';
import { type ClientRequest, withoutIdempotencyKey } from '../upstream/upstream.ts';

/** Why a request is not copied; null where nothing in it stands against that. */
export function refusesCopy(body: Body): 'tools' | 'choices' | null {
  // It would be run a second time.
  if (providerRunTool(body) !== null) return 'tools';
  return Number(body['n'] ?? 1) > 1 ? 'choices' : null;
}

/**
 * The same request as it goes to the candidate: as a stream, so that its first content is seen, and without what would leave
 * something behind at the provider or make it take the copy for a repeat.
 */
export function copyRequest(request: ClientRequest): ClientRequest {
  const { store: _, ...body } = request.body;
  return {
    ...request,
    bytes: rewriteBody(
      request.bytes,
      new Map([
        ['stream', 'true'],
        ['store', null],
      ]),
    ),
    body: { ...body, stream: true },
    stream: true,
    keepsUsage: true,
    headers: withoutIdempotencyKey(request.headers),
    // The request that it copies is over.
    span: null,
  };
}
