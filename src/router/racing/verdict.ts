import { notNeededReason, stoppedReason } from '../../contracts/lane-reason.ts';
import type { RaceOutcome } from '../../contracts/race.ts';
import type { LaneReport } from '../race/run-race.ts';
import type { Lane, LaneAnswer } from './lane.ts';
import type { RaceOrder } from './race-order.ts';
import type { RunningRace } from './running-race.ts';

/** What all lanes are told in the end. */
export interface Verdict {
  outcome: RaceOutcome;
  reason: string;
  agreement: number | null;
  margin: number | null;
  durationMs: number;
  /** The lane of the first valid answer. */
  firstIndex: number | null;
  /** Lanes were stopped before they could answer. */
  wasCutShort: boolean;
}

/** Errors for which a model can be blamed. */
const modelsFault: ReadonlySet<string> = new Set([
  'upstream_failed',
  'deadline_exceeded',
  'network',
  'stream_error',
  'bad_response',
  'timeout',
]);

const whyCancelled = { decided: stoppedReason, timeout: 'out of time', caller: 'the client left' } as const;

/** Writes down how a lane ended; the same again when it is said again. */
export function noteEnd(lane: Lane, { end, startedAtMs, endedAtMs }: LaneReport<LaneAnswer>): void {
  lane.latencyMs = startedAtMs === null ? null : endedAtMs - startedAtMs;
  switch (end.kind) {
    case 'answered':
      lane.status = 'lost';
      return;
    case 'cancelled':
      lane.status = 'cancelled';
      lane.reason = startedAtMs === null && end.reason === 'decided' ? notNeededReason : whyCancelled[end.reason];
      lane.outcome = 'cancelled';
      return;
    default:
      lane.status = end.kind;
      lane.reason = end.reason;
  }
}

/** The last word on a lane: its record, and what the learner may take from it. */
export function tell({ accounting, order }: RunningRace, lane: Lane, verdict: Verdict): void {
  if (lane.startedAtMs === null) {
    accounting.notCalled(lane.decision, 'not_needed');
    lane.part.settle(null);
  }
  const status = lane.status === 'waiting' || lane.status === 'running' ? 'cancelled' : lane.status;
  accounting.raced(
    lane.decision,
    {
      status,
      finished_first: lane.index === verdict.firstIndex,
      confidence: lane.confidence,
      reason: lane.reason?.slice(0, 200) ?? null,
      latency_ms: lane.latencyMs,
      race_outcome: verdict.outcome,
      race_reason: verdict.reason.slice(0, 500),
      race_ms: verdict.durationMs,
      agreement: verdict.agreement,
      margin: verdict.margin,
    },
    lane.outcome,
    labelOf(lane, verdict, order),
  );
}

/**
 * The quality of a lane's answer in [0, 1], where the race has found it; null where it says nothing: which of two answers came
 * first, or what the learner itself believed before. Whether a lane answered at all counts where all were waited for, as it
 * does outside of races; else those that fail quickly would be seen more often than those that answer slowly.
 */
function labelOf(lane: Lane, { wasCutShort }: Verdict, { strategy }: RaceOrder): number | null {
  if (lane.label !== null) return lane.label;
  if (strategy === 'first' || wasCutShort) return null;
  if (lane.status === 'won' || lane.status === 'lost') return 1;
  return lane.status === 'invalid' || (lane.status === 'error' && modelsFault.has(lane.reason ?? '')) ? 0 : null;
}
