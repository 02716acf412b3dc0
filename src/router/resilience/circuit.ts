import { createRollingSum } from './rolling-sum.ts';

/**
 * The circuit breaker of one target: where it fails it is left alone for a while, then tried with one call.
 *
 * closed → (failures) → ejected → (time) → half open: one probe → closed, or ejected for longer
 *
 * Sources: Envoy, "Outlier detection" (five in a row; ejection time × number of ejections, capped, forgiven with time);
 * Nygard, "Release It!" (the half-open state).
 */
export interface Circuit {
  /** Whether a call may be made: `probe` means that it would be the one that tries. Changes nothing. */
  check(nowMs: number): CircuitCheck;
  /** A call begins; where it is the probe, there is no other until it ends or `probeTimeoutMs` are over. */
  begin(nowMs: number): void;
  /** How a call ended that began at `startedAtMs`. */
  record(outcome: CallOutcome, startedAtMs: number, nowMs: number): void;
  /**
   * The provider asked to be left alone (Retry-After); at most an hour. Never ends an ejection earlier. No probe
   * follows: the provider itself has said when it will be well.
   */
  pause(durationMs: number, nowMs: number): void;
  state(nowMs: number): CircuitState;
}

export type CircuitCheck = 'closed' | 'probe' | 'ejected';

/** `fatal` ejects at once, such as a refused key; `neutral` says nothing of the target, such as a wrong request. */
export type CallOutcome = 'success' | 'failure' | 'fatal' | 'neutral';

export interface CircuitState {
  status: 'closed' | 'half_open' | 'ejected';
  /** When an ejection ends; null where there is none. */
  untilMs: number | null;
  /** Recent ejections, which the next one is multiplied by. */
  ejections: number;
}

export interface CircuitOptions {
  /** Failures in a row that eject; at least 1. */
  consecutiveFailures: number;
  /** Over which the rate is taken, and after which one ejection is forgiven. */
  windowMs: number;
  /** Below so many calls in the window the rate says nothing. */
  minRequests: number;
  /** Share of failed calls that ejects, in (0, 1]. */
  failureRate: number;
  /** Duration of the first ejection; the n-th recent one lasts n times as long. */
  baseEjectionMs: number;
  maxEjectionMs: number;
}

/** A probe that has not ended by then counts as lost. Some answers do take longer, but a second probe does no harm. */
export const probeTimeoutMs = 30_000;
/** Some providers name the end of the day's or month's quota; a try an hour finds out when it was raised. */
const maxPauseMs = 3_600_000;

export function createCircuit(options: () => CircuitOptions): Circuit {
  const requests = createRollingSum(() => options().windowMs);
  const failures = createRollingSum(() => options().windowMs);
  let consecutiveFailures = 0;
  let ejections = 0;
  /** True from an ejection to the first success after it. */
  let isOpen = false;
  let ejectedAtMs = -Infinity;
  let ejectedUntilMs = -Infinity;
  let closedAtMs = -Infinity;
  let pausedUntilMs = -Infinity;
  let probeUntilMs = -Infinity;

  function check(nowMs: number): CircuitCheck {
    if (nowMs < pausedUntilMs || nowMs < ejectedUntilMs) return 'ejected';
    if (!isOpen) return 'closed';
    return nowMs < probeUntilMs ? 'ejected' : 'probe';
  }

  function isOutlier(nowMs: number): boolean {
    const { consecutiveFailures: mostInARow, minRequests, failureRate } = options();
    if (consecutiveFailures >= mostInARow) return true;
    const seen = requests.total(nowMs);
    return seen >= minRequests && failures.total(nowMs) >= failureRate * seen;
  }

  /** One ejection is forgiven for each window that the circuit has been closed. */
  function recentEjections(nowMs: number): number {
    if (isOpen || ejections === 0) return ejections;
    return Math.max(0, ejections - Math.floor((nowMs - closedAtMs) / options().windowMs));
  }

  function eject(nowMs: number): void {
    const { baseEjectionMs, maxEjectionMs } = options();
    ejections = Math.min(recentEjections(nowMs) + 1, Math.ceil(maxEjectionMs / baseEjectionMs));
    isOpen = true;
    ejectedAtMs = nowMs;
    ejectedUntilMs = nowMs + Math.min(baseEjectionMs * ejections, maxEjectionMs);
    forget();
  }

  function close(nowMs: number): void {
    isOpen = false;
    closedAtMs = nowMs;
    ejectedUntilMs = -Infinity;
    forget();
  }

  /** What was seen before an ejection or its end must not cause the next. */
  function forget(): void {
    consecutiveFailures = 0;
    requests.clear();
    failures.clear();
    probeUntilMs = -Infinity;
  }

  return {
    check,

    begin(nowMs) {
      if (check(nowMs) === 'probe') probeUntilMs = nowMs + probeTimeoutMs;
    },

    record(outcome, startedAtMs, nowMs) {
      // Calls from before the ejection tell what it already told: a hundred that hang must not make it a hundredfold.
      if (startedAtMs <= ejectedAtMs) return;
      if (outcome === 'neutral') {
        probeUntilMs = -Infinity;
        return;
      }
      if (outcome === 'success') {
        if (isOpen) close(nowMs);
        consecutiveFailures = 0;
        requests.add(1, nowMs);
        return;
      }
      if (isOpen) {
        // Calls that are made in spite of an ejection, because nothing else is left, do not make it longer.
        if (nowMs >= ejectedUntilMs) eject(nowMs);
        return;
      }
      consecutiveFailures += 1;
      requests.add(1, nowMs);
      failures.add(1, nowMs);
      if (outcome === 'fatal' || isOutlier(nowMs)) eject(nowMs);
    },

    pause(durationMs, nowMs) {
      pausedUntilMs = Math.max(pausedUntilMs, nowMs + Math.min(durationMs, maxPauseMs));
    },

    state(nowMs) {
      const untilMs = Math.max(ejectedUntilMs, pausedUntilMs);
      if (nowMs < untilMs) return { status: 'ejected', untilMs, ejections: recentEjections(nowMs) };
      return { status: isOpen ? 'half_open' : 'closed', untilMs: null, ejections: recentEjections(nowMs) };
    },
  };
}
