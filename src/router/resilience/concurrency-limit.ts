import { maxStates } from './target-map.ts';

/** Gives back a place; more than once does nothing. */
export type Release = () => void;

/** How many calls of one target are under way at once. Those beyond wait in line, not many and not long. */
export interface ConcurrencyLimit {
  /**
   * Takes a place: at once where there is room, else a promise of one, in the order of asking.
   *
   * The promise rejects with `ConcurrencyRefusal`: the line is full, `maxWaitMs` are over, or `signal` aborted.
   */
  acquire(target: string, signal: AbortSignal, maxWaitMs: number): Release | Promise<Release>;
  /** Targets with calls under way, at most 200. */
  states(): ConcurrencyState[];
}

export interface ConcurrencyState {
  target: string;
  underWay: number;
  waiting: number;
}

export interface ConcurrencyOptions {
  /** Calls of one target at once; at least 1. */
  limit: number;
  /** Length of the line of one target. */
  maxWaiting: number;
}

export type RefusalReason = 'queue_full' | 'waited_too_long' | 'aborted';

export class ConcurrencyRefusal extends Error {
  readonly target: string;
  readonly reason: RefusalReason;

  constructor(target: string, reason: RefusalReason) {
    super(`no place for a call of ${target}: ${reason}`);
    this.name = 'ConcurrencyRefusal';
    this.target = target;
    this.reason = reason;
  }
}

interface Entry {
  underWay: number;
  /** What to call when a place is free, first come, first served. Made for the first that waits. */
  waiting: Set<() => void> | null;
}

export function createConcurrencyLimit(options: () => ConcurrencyOptions): ConcurrencyLimit {
  const entries = new Map<string, Entry>();

  function releaseOnce(target: string, entry: Entry): Release {
    let isReleased = false;
    return () => {
      if (isReleased) return;
      isReleased = true;
      entry.underWay -= 1;
      serveWaiting(entry);
      if (entry.underWay === 0) entries.delete(target);
    };
  }

  /** Gives free places to those in line. There are several where more are allowed than before, none where fewer are. */
  function serveWaiting(entry: Entry): void {
    for (const grant of entry.waiting ?? []) {
      if (entry.underWay >= options().limit) return;
      entry.underWay += 1;
      grant();
    }
  }

  function wait(target: string, entry: Entry, signal: AbortSignal, maxWaitMs: number): Promise<Release> {
    const waiting = (entry.waiting ??= new Set());
    return new Promise((resolve, reject) => {
      function leave(): void {
        waiting.delete(grant);
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
      }
      function grant(): void {
        leave();
        resolve(releaseOnce(target, entry));
      }
      function refuse(reason: RefusalReason): void {
        leave();
        reject(new ConcurrencyRefusal(target, reason));
      }
      const onAbort = (): void => refuse('aborted');
      const timer = setTimeout(refuse, maxWaitMs, 'waited_too_long');
      signal.addEventListener('abort', onAbort, { once: true });
      waiting.add(grant);
    });
  }

  return {
    acquire(target, signal, maxWaitMs) {
      if (signal.aborted) return Promise.reject(new ConcurrencyRefusal(target, 'aborted'));
      const known = entries.get(target);
      if (known === undefined) {
        const entry: Entry = { underWay: 1, waiting: null };
        entries.set(target, entry);
        return releaseOnce(target, entry);
      }
      // A higher limit than before is theirs first who are in line already.
      serveWaiting(known);
      const { limit, maxWaiting } = options();
      if (known.underWay < limit) {
        known.underWay += 1;
        return releaseOnce(target, known);
      }
      if ((known.waiting?.size ?? 0) >= maxWaiting) {
        return Promise.reject(new ConcurrencyRefusal(target, 'queue_full'));
      }
      return wait(target, known, signal, maxWaitMs);
    },

    states() {
      const states: ConcurrencyState[] = [];
      for (const [target, { underWay, waiting }] of entries) {
        states.push({ target, underWay, waiting: waiting?.size ?? 0 });
        if (states.length === maxStates) break;
      }
      return states;
    },
  };
}
