import type { Sent } from './load.ts';

/** A step of the rehearsal. */
export interface Step {
  name: string;
  startedAtMs: number;
  endedAtMs: number;
  /** When a router was killed in it: what that one had begun, nobody can finish. */
  routerKilledAtMs: number | null;
}

export interface Verdict {
  step: Step;
  requests: number;
  /** Streams that had begun at a router when it was killed. */
  cut: number;
  /** Failures that only a client without repeats saw, of requests that were at a router when it was killed. */
  lostWithoutRepeats: number;
  /** All other failures. */
  failed: Sent[];
}

/** Clients hear of the end of a connection a moment after it. */
const noticeMs = 1000;

/** Judges the requests that ended within each step. */
export function judge(steps: readonly Step[], sent: readonly Sent[]): Verdict[] {
  const killsAtMs = steps.flatMap(({ routerKilledAtMs }) => routerKilledAtMs ?? []);
  return steps.map((step) => {
    const own = sent.filter(({ endedAtMs }) => endedAtMs >= step.startedAtMs && endedAtMs < step.endedAtMs);
    const failures = own.filter(({ failure }) => failure !== null);
    const atKilled = failures.filter((each) => killsAtMs.some((atMs) => endedAt(each, atMs)));
    const cut = atKilled.filter(({ begun }) => begun);
    const lostWithoutRepeats = atKilled.filter(({ begun, retries }) => !begun && !retries);
    const excused = new Set([...cut, ...lostWithoutRepeats]);
    return {
      step,
      requests: own.length,
      cut: cut.length,
      lostWithoutRepeats: lostWithoutRepeats.length,
      failed: failures.filter((each) => !excused.has(each)),
    };
  });
}

/** Whether the request was under way at that time and ended because of it. */
function endedAt({ startedAtMs, endedAtMs }: Sent, atMs: number): boolean {
  return startedAtMs <= atMs && endedAtMs >= atMs && endedAtMs <= atMs + noticeMs;
}
