import type { ErrorCode } from '../../../src/platform/core/errors.ts';
import type { Operation } from './operations.ts';

/** The faults that are not ours, with the routes that may report them. */
const allowedFaults: ReadonlyArray<readonly [path: RegExp, codes: readonly ErrorCode[]]> = [
  [/^\/(route|v1)\//, ['no_eligible_model']],
  [/^\/route$/, ['no_eligible_model']],
  [/^\/race$/, ['no_eligible_model', 'no_valid_answer', 'deadline_exceeded']],
  // A provider answers 403 where the model that the client named is none for embeddings.
  [/^\/v1\/embeddings$/, ['upstream_auth_failed']],
];

/** The codes of 5xx that the endpoint may answer while nothing is wrong with us. */
export function faultsAllowedTo({ path }: Pick<Operation, 'path'>): readonly ErrorCode[] {
  return allowedFaults.filter(([pattern]) => pattern.test(path)).flatMap(([, codes]) => codes);
}
