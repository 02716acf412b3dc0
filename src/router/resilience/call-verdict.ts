import type { Failure } from '../upstream/failure.ts';
import type { CallOutcome } from './circuit.ts';

/** How a call ended, as the chain sees it. */
export type CallEnd = 'success' | 'cancelled' | Failure;

/** What the end of a call says of each of its targets. */
export interface Verdict {
  provider: CallOutcome;
  key: CallOutcome;
  deployment: CallOutcome;
  /** For the throttle: whether the deployment had room for the call; null where that cannot be told. */
  isAccepted: boolean | null;
}

const success: Verdict = { provider: 'success', key: 'success', deployment: 'success', isAccepted: true };
const neutral: Verdict = { provider: 'neutral', key: 'neutral', deployment: 'neutral', isAccepted: null };
const fault: Verdict = { ...neutral, provider: 'failure', deployment: 'failure', isAccepted: true };
const overloadedFault: Verdict = { ...fault, isAccepted: false };
const limited: Verdict = { ...neutral, isAccepted: false };
const keyRefused: Verdict = { ...neutral, key: 'fatal' };
const modelRefused: Verdict = { ...neutral, deployment: 'fatal' };

/**
 * | end | provider | key | deployment | throttle |
 * |---|---|---|---|---|
 * | success | success | success | success | accepted |
 * | server, network, bad_response | failure | | failure | accepted |
 * | 503, 529, timeout | failure | | failure | refused |
 * | rate_limit | | | | refused |
 * | auth | | ejected at once | | |
 * | auth by 403 | | | ejected at once | |
 * | client, not_found, unsupported, cancelled | | | | |
 *
 * Rate limits eject by their Retry-After alone: a limit that is reached is no fault, and the throttle slows down.
 * 403 mostly means that the key may not use this model; to eject the key for it would let one client's pinned model
 * take the provider away from all others.
 */
export function verdictOf(end: CallEnd): Verdict {
  if (end === 'success') return success;
  if (end === 'cancelled') return neutral;
  switch (end.class) {
    case 'server':
      return end.status === 503 || end.status === 529 ? overloadedFault : fault;
    case 'network':
    case 'bad_response':
      return fault;
    case 'timeout':
      return overloadedFault;
    case 'rate_limit':
      return limited;
    case 'auth':
      return end.status === 403 ? modelRefused : keyRefused;
    case 'client':
    case 'not_found':
    case 'unsupported':
      return neutral;
  }
}
