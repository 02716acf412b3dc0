import type { Accounting } from '../accounting.ts';
import type { Decision } from '../decide.ts';
import type { AttemptOutcome } from '../publish/events.ts';

/** How the first calls of copied decisions and of copies ended, as it is accounted for. */
export interface FirstAttempts {
  /** The same accounting, overheard. */
  observe(accounting: Accounting): Accounting;
  /** Of the chosen model's first call; null where it was spared one, or has not ended. */
  of(decision: Decision): AttemptOutcome | null;
}

export function createFirstAttempts(): FirstAttempts {
  // Goes with the decisions themselves.
  const attempts = new WeakMap<Decision, AttemptOutcome>();
  return {
    observe: (accounting) => ({
      ...accounting,
      ended(decision, attempt) {
        const isWanted = decision.copiedTo !== null || decision.origin === 'shadow';
        if (isWanted && attempt.index === 0) attempts.set(decision, attempt);
        accounting.ended(decision, attempt);
      },
    }),
    of: (decision) => attempts.get(decision) ?? null,
  };
}
