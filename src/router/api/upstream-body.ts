import { SignalboxError } from '../../platform/core/errors.ts';
import type { Provider } from '../../platform/providers/definitions.ts';
import type { UpstreamReply } from '../upstream/upstream.ts';

/** A failure of the way to a provider, for which the codes of the network alone could stand for the database's. */
export function unreachable({ name }: Provider, cause: unknown): SignalboxError {
  return new SignalboxError('upstream_failed', `${name} could not be reached`, { cause });
}

/** The body of an answer that is handed on as it comes. */
export async function* bodyOf({ body }: UpstreamReply, provider: Provider): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    throw unreachable(provider, error);
  }
}
