import type { PairSide, ShadowPair } from '../../contracts/rollout.ts';
import type { AttemptOutcome } from '../publish/events.ts';

/** How one side of a pair ended. */
export type SideEnd = 'answered' | 'failed';

/** Failures that say nothing of how well the user was served by the model: the request was wrong, or the key, or the pace. */
const notTheControls: ReadonlySet<string> = new Set(['client', 'unsupported', 'auth', 'not_found', 'rate_limit']);
/** A request that the control answered is not wrong, and a candidate that refuses it or is not there cannot take its place. */
const notTheCandidates: ReadonlySet<string> = new Set(['auth', 'rate_limit']);

/** How the control served the user; null where that cannot be compared with anything. */
export function controlEnd(attempt: AttemptOutcome | null): SideEnd | null {
  return sideEnd(attempt, notTheControls);
}

/** How the candidate would have served the user; null where it was not asked, or the failure is none of its own. */
export function candidateEnd(attempt: AttemptOutcome | null): SideEnd | null {
  return sideEnd(attempt, notTheCandidates);
}

function sideEnd(attempt: AttemptOutcome | null, excused: ReadonlySet<string>): SideEnd | null {
  if (attempt === null || attempt.outcome === 'cancelled') return null;
  if (attempt.outcome === 'success') return 'answered';
  return attempt.errorCode !== null && excused.has(attempt.errorCode) ? null : 'failed';
}

/** Both sides as a pair has them. */
export function sideOf({ control, shadow }: { control: boolean; shadow: boolean }): PairSide {
  if (control && shadow) return 'both';
  if (control) return 'control';
  return shadow ? 'shadow' : 'neither';
}

/**
 * Times and costs of two calls. A copy is a stream: beside a stream the time to the first token counts, beside a whole answer
 * that of all of it. Those of failures are none.
 */
export function measuresOf(
  control: AttemptOutcome,
  shadow: AttemptOutcome,
): Pick<ShadowPair, 'control_ms' | 'shadow_ms' | 'control_cost_usd' | 'shadow_cost_usd'> {
  const timeOf = (attempt: AttemptOutcome): number | null => {
    if (attempt.outcome !== 'success') return null;
    return control.streamed ? attempt.timeToFirstTokenMs : attempt.responseTimeMs;
  };
  return {
    control_ms: timeOf(control),
    shadow_ms: timeOf(shadow),
    control_cost_usd: control.costUsd,
    shadow_cost_usd: shadow.costUsd,
  };
}
