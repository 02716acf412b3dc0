import { contentFilterCode } from '../../contracts/event.ts';
import type { PairSide, ShadowPair } from '../../contracts/rollout.ts';
import type { AttemptOutcome } from '../publish/events.ts';

/** How one side of a pair ended: a refusal, and an answer that a content filter ended, are failures too. */
export type SideEnd = 'answered' | 'failed';

/**
 * How a model served the request, by the same rule on both sides; null where it was not asked, or where that says nothing of
 * it: its provider had no room, or the key does not work. 403 mostly means that the key may not use this model.
 */
export function sideEnd(attempt: AttemptOutcome | null): SideEnd | null {
  if (attempt === null || attempt.outcome === 'cancelled') return null;
  const { outcome, errorCode, httpStatus } = attempt;
  if (errorCode === 'rate_limit' || (errorCode === 'auth' && httpStatus !== 403)) return null;
  return outcome === 'success' && errorCode !== contentFilterCode ? 'answered' : 'failed';
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
): Pick<ShadowPair, 'streamed' | 'control_ms' | 'shadow_ms' | 'control_cost_usd' | 'shadow_cost_usd'> {
  const timeOf = (attempt: AttemptOutcome): number | null => {
    if (sideEnd(attempt) !== 'answered') return null;
    return control.streamed ? attempt.timeToFirstTokenMs : attempt.responseTimeMs;
  };
  return {
    streamed: control.streamed,
    control_ms: timeOf(control),
    shadow_ms: timeOf(shadow),
    control_cost_usd: control.costUsd,
    shadow_cost_usd: shadow.costUsd,
  };
}
