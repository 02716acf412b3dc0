import { createRollingSum, type RollingSum } from './rolling-sum.ts';
import { deleteWhere, entryOf, maxStates } from './target-map.ts';

/**
 * Client-side throttling: of a target that answers "too much", calls are refused here, with the probability
 *
 *   p = max(0, (requests − k · accepts) / (requests + 8)), at most 0.9
 *
 * so that about `k` times as much is sent as it accepts. Requests that were refused here count as requests.
 *
 * Source: Google, "Site Reliability Engineering", chapter 21, "Handling Overload". Two constants are from those who
 * built it: the 8 instead of 1 from gRPC's adaptive throttler, or the first refusal of an idle target would make the
 * next call a matter of luck; the upper bound from Envoy's admission control (which has 0.8), or a target that refused
 * everything would take many windows to be found well again.
 */
export interface AdaptiveThrottle {
  /** Whether to refuse a call. Draws a random number only where the probability is above 0. */
  rejects(target: string, nowMs: number): boolean;
  /**
   * How a call ended. Counted at the end and not at the start: answers of language models take long, and a burst of
   * calls under way would look as if none of them had been accepted.
   */
  record(target: string, isAccepted: boolean, nowMs: number): void;
  /** Begins anew with the targets for which `matches` holds. */
  forget(matches: (target: string) => boolean): void;
  /** In [0, 0.9]. */
  rejectProbability(target: string, nowMs: number): number;
  /** Those that are throttled, at most 200. */
  states(nowMs: number): ThrottleState[];
}

export interface ThrottleState {
  target: string;
  rejectProbability: number;
}

export interface ThrottleOptions {
  /** How many times as much as is accepted may be sent; above 1. */
  k: number;
  windowMs: number;
}

const requestPadding = 8;
const maxRejectProbability = 0.9;

interface Entry {
  requests: RollingSum;
  accepts: RollingSum;
}

/** `random` is uniform in [0, 1). */
export function createAdaptiveThrottle(options: () => ThrottleOptions, random: () => number): AdaptiveThrottle {
  const entries = new Map<string, Entry>();
  const create = (): Entry => ({
    requests: createRollingSum(() => options().windowMs),
    accepts: createRollingSum(() => options().windowMs),
  });

  function probabilityOf(entry: Entry, nowMs: number): number {
    const requests = entry.requests.total(nowMs);
    const excess = requests - options().k * entry.accepts.total(nowMs);
    return excess <= 0 ? 0 : Math.min(excess / (requests + requestPadding), maxRejectProbability);
  }

  return {
    rejects(target, nowMs) {
      const entry = entries.get(target);
      if (entry === undefined) return false;
      const probability = probabilityOf(entry, nowMs);
      if (probability === 0 || random() >= probability) return false;
      entry.requests.add(1, nowMs);
      return true;
    },

    record(target, isAccepted, nowMs) {
      const entry = entryOf(entries, target, create);
      entry.requests.add(1, nowMs);
      if (isAccepted) entry.accepts.add(1, nowMs);
    },

    forget: (matches) => deleteWhere(entries, matches),

    rejectProbability(target, nowMs) {
      const entry = entries.get(target);
      return entry === undefined ? 0 : probabilityOf(entry, nowMs);
    },

    states(nowMs) {
      const states: ThrottleState[] = [];
      for (const [target, entry] of entries) {
        const rejectProbability = probabilityOf(entry, nowMs);
        if (rejectProbability > 0) states.push({ target, rejectProbability });
        if (states.length === maxStates) break;
      }
      return states;
    },
  };
}
