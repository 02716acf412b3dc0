import type { Accounting } from './accounting.ts';
import type { Decision, DecisionStep } from './decide.ts';
import type { Spared } from './upstream/chain.ts';

/** The numbers under which the calls of a decision are recorded. */
export interface AttemptNumbers {
  /** A call begins. */
  begin(step: DecisionStep): void;
  /** No call is made, and why: its own failures, or something else. */
  spare(step: DecisionStep, why: SparedCode): void;
  numberOf(callIndex: number): number;
  /** Nothing more will be called; says why, where nothing was. */
  end(reason: string): void;
}

/** Error codes of the record of a chosen model that was spared its call. Only `spared` is because of what the model did. */
export type SparedCode = 'spared' | 'spared_busy' | 'spared_ended';

export const sparedCodes: Readonly<Record<Spared, SparedCode>> = {
  ejected: 'spared',
  throttled: 'spared',
  busy: 'spared_busy',
  ended: 'spared_ended',
};

/**
 * Calls are numbered from 0 on, and so are the records of a decision, of which the first is the chosen model's. Where
 * that is spared its call, its record is closed as such and the calls of others come after it.
 */
export function numberAttempts(decision: Decision, accounting: Pick<Accounting, 'notCalled'>): AttemptNumbers {
  let offset: number | null = null;
  let code: SparedCode = 'spared';
  return {
    begin(step) {
      if (offset !== null) return;
      offset = step === decision.chain[0] ? 0 : 1;
      if (offset === 1) accounting.notCalled(decision, code);
    },
    spare(step, why) {
      // Where one of its keys was left out for another reason, that the others failed is not all there is to it.
      if (step === decision.chain[0] && why !== 'spared') code = why;
    },
    numberOf: (index) => index + (offset ?? 0),
    end(reason) {
      if (offset === null) accounting.notCalled(decision, reason);
      offset ??= 0;
    },
  };
}
