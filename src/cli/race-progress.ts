import type { RaceCandidate, RaceResponse } from '../contracts/race-api.ts';
import { systemClock } from '../platform/core/clock.ts';
import { clockLine, laneLines, laneSentence, type LaneView } from './race-lines.ts';
import { type Colors, liveBlock, say } from './terminal.ts';

export interface RaceBeginning {
  lanes: readonly RaceCandidate[];
  timeout_ms: number;
}

/** Shows on stderr what happens in the lanes. */
export interface RaceProgress {
  begin(race: RaceBeginning): void;
  lane(candidate: RaceCandidate): void;
  /** The winner has begun to answer. */
  answering(): void;
  finish(response: RaceResponse): void;
  /** Whatever happened: leaves the terminal as it was found. */
  close(): void;
}

export const noProgress: RaceProgress = {
  begin: () => undefined,
  lane: () => undefined,
  answering: () => undefined,
  finish: () => undefined,
  close: () => undefined,
};

/** One plain line when each lane ends. */
export function plainProgress(): RaceProgress {
  const told = new Set<number>();
  function tell(candidate: RaceCandidate, isDecided: boolean): void {
    if (isUnderWay(candidate) || told.has(candidate.lane)) return;
    told.add(candidate.lane);
    say(laneSentence(candidate, isDecided));
  }
  return {
    ...noProgress,
    lane: (candidate) => tell(candidate, false),
    finish({ candidates }) {
      for (const candidate of candidates) tell(candidate, true);
    },
  };
}

const frameMs = 100;

/**
 * A line for each lane that moves until the race is decided.
 *
 * @param sharesTerminal the answer is written to the same terminal: the lines come to rest when it begins.
 */
export function liveProgress(
  terminal: Pick<NodeJS.WriteStream, 'write' | 'rows' | 'columns'>,
  { colors, sharesTerminal }: { colors: Colors; sharesTerminal: boolean },
): RaceProgress {
  const block = liveBlock(terminal);
  const lanes = new Map<number, { candidate: RaceCandidate; startedAtMs: number | null }>();
  let race = { startedAtMs: 0, timeoutMs: 0 };
  let timer: NodeJS.Timeout | undefined;
  let frame = 0;
  let isDecided = false;
  let isAtRest = false;

  function draw(): void {
    const nowMs = systemClock.monotonicMs();
    const views = [...lanes.values()].map<LaneView>(({ candidate, startedAtMs }) => ({
      candidate,
      runningMs: startedAtMs === null ? null : nowMs - startedAtMs,
    }));
    const look = { width: terminal.columns || 80, colors, frame, isDecided };
    const clock = clockLine(views, { ...look, elapsedMs: nowMs - race.startedAtMs, timeoutMs: race.timeoutMs });
    block.draw([...laneLines(views, look), ...(isAtRest ? [] : [clock])]);
    frame += 1;
  }

  function set(candidate: RaceCandidate): void {
    const known = lanes.get(candidate.lane)?.startedAtMs ?? null;
    const startedAtMs = known ?? (candidate.status === 'running' ? systemClock.monotonicMs() : null);
    lanes.set(candidate.lane, { candidate, startedAtMs });
  }

  function cancelRest(reason: string): void {
    const nowMs = systemClock.monotonicMs();
    for (const { candidate, startedAtMs } of lanes.values()) {
      const latencyMs = startedAtMs === null ? null : nowMs - startedAtMs;
      if (isUnderWay(candidate)) set({ ...candidate, status: 'cancelled', reason, latency_ms: latencyMs });
    }
  }

  function rest(): void {
    if (timer === undefined || isAtRest) return;
    clearInterval(timer);
    isAtRest = true;
    draw();
    block.end();
  }

  return {
    begin({ lanes: candidates, timeout_ms: timeoutMs }) {
      race = { startedAtMs: systemClock.monotonicMs(), timeoutMs };
      for (const candidate of candidates) set(candidate);
      timer = setInterval(draw, frameMs);
    },
    lane: set,
    answering() {
      if (isDecided) return;
      isDecided = true;
      // It is the one that has answered.
      for (const { candidate } of lanes.values()) if (candidate.status === 'lost') set({ ...candidate, status: 'won' });
      cancelRest('the race was decided');
      if (sharesTerminal) rest();
    },
    finish({ candidates }) {
      isDecided = true;
      for (const candidate of candidates) set(candidate);
      rest();
    },
    close() {
      cancelRest('stopped');
      rest();
    },
  };
}

function isUnderWay({ status }: RaceCandidate): boolean {
  return status === 'running' || status === 'waiting';
}
