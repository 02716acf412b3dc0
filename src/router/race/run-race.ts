/** How a lane of a race ended. */
export type LaneEnd<T> =
  | { kind: 'answered'; answer: T }
  /** It gave no answer, or one that is none: a refusal, nothing, or what the verifier does not accept. */
  | { kind: 'error' | 'invalid'; reason: string }
  | { kind: 'cancelled'; reason: 'decided' | 'timeout' | 'caller' };

/** What a strategy knows when it is asked. Lanes are numbered from 0. */
export interface RaceState<T> {
  /** In the order in which they ended. */
  ended: ReadonlyArray<{ lane: number; end: LaneEnd<T> }>;
  running: readonly number[];
  waiting: readonly number[];
}

export type Move =
  | { kind: 'wait' }
  /** So many of the waiting lanes more. */
  | { kind: 'start'; count: number }
  | { kind: 'done'; winner: number | null; reason: string; agreement?: number; margin?: number };

/** A way to decide a race. Pure: asked at the start and after each end. */
export interface Strategy<T> {
  /** Lanes to begin with; the others wait. */
  initialLanes(count: number): number;
  next(state: RaceState<T>): Move;
}

export interface LaneReport<T> {
  lane: number;
  end: LaneEnd<T>;
  /** Null for a lane that was never started. */
  startedAtMs: number | null;
  endedAtMs: number;
}

export interface RaceResult<T> {
  winner: { lane: number; answer: T } | null;
  reason: string;
  agreement: number | null;
  margin: number | null;
  /** The lanes that have ended; the others are ending. */
  ended: ReadonlyArray<LaneReport<T>>;
  /** All lanes in their order, when the last one has ended. Never rejects. */
  settled: Promise<ReadonlyArray<LaneReport<T>>>;
}

export interface RaceOptions<T> {
  lanes: number;
  strategy: Strategy<T>;
  timeoutMs: number;
  callerSignal: AbortSignal;
  nowMs(): number;
  /** Must end soon after its signal aborts. What it throws is an error of the lane. */
  run(lane: number, signal: AbortSignal): Promise<LaneEnd<T>>;
  /** Ends what an answer that does not win still holds; it may have come in the moment in which the race was decided. */
  discard?(lane: number, answer: T): void;
}

/**
 * Runs a race until it is decided, the time is up or the caller leaves, and ends all lanes that still run at that moment;
 * it does not wait for them. Each lane is reported once, whatever happens; nothing of it rejects.
 */
export async function runRace<T>(options: RaceOptions<T>): Promise<RaceResult<T>> {
  const { strategy, callerSignal, nowMs } = options;
  const waiting = Array.from({ length: options.lanes }, (_, lane) => lane);
  const running = new Map<number, AbortController>();
  const ended: Array<LaneReport<T>> = [];
  const endings: Array<Promise<void>> = [];
  let whyStopped: 'decided' | 'timeout' | 'caller' | null = null;
  let wake: () => void = () => undefined;

  async function follow(lane: number): Promise<void> {
    const controller = new AbortController();
    const startedAtMs = nowMs();
    running.set(lane, controller);
    let end: LaneEnd<T>;
    try {
      end = await options.run(lane, controller.signal);
    } catch (error) {
      end = { kind: 'error', reason: nameOfError(error) };
    }
    running.delete(lane);
    // Whatever a lane says once it was told to end came too late to count.
    if (controller.signal.aborted) {
      if (end.kind === 'answered') options.discard?.(lane, end.answer);
      end = { kind: 'cancelled', reason: whyStopped ?? 'decided' };
    }
    ended.push({ lane, end, startedAtMs, endedAtMs: nowMs() });
    wake();
  }

  function stop(why: NonNullable<typeof whyStopped>): void {
    whyStopped ??= why;
    for (const controller of running.values()) controller.abort();
  }

  function stateNow(): RaceState<T> {
    return { ended, running: [...running.keys()], waiting };
  }

  const onCaller = (): void => {
    stop('caller');
    wake();
  };
  const timer = setTimeout(() => {
    stop('timeout');
    wake();
  }, options.timeoutMs);
  callerSignal.addEventListener('abort', onCaller, { once: true });
  if (callerSignal.aborted) onCaller();

  try {
    let toStart = whyStopped === null ? strategy.initialLanes(options.lanes) : 0;
    for (;;) {
      const next = new Promise<void>((resolve) => (wake = resolve));
      for (const lane of waiting.splice(0, toStart)) endings.push(follow(lane));
      toStart = 0;
      // When time is up the strategy decides on what there is: nothing more will come.
      const move = whyStopped === null ? strategy.next(stateNow()) : strategy.next({ ended, running: [], waiting: [] });
      if (whyStopped === 'caller') return finish({ winner: null, reason: 'the client left' });
      if (move.kind === 'done' || whyStopped !== null) {
        const done = move.kind === 'done' ? move : { winner: null, reason: 'nothing was decided' };
        stop('decided');
        return finish(done);
      }
      if (move.kind === 'start') toStart = move.count;
      else await next;
    }
  } finally {
    clearTimeout(timer);
    callerSignal.removeEventListener('abort', onCaller);
  }

  function finish(done: { winner: number | null; reason: string; agreement?: number; margin?: number }): RaceResult<T> {
    const report = ended.find(({ lane }) => lane === done.winner);
    const winner = report?.end.kind === 'answered' ? { lane: report.lane, answer: report.end.answer } : null;
    for (const { lane, end } of ended) {
      if (end.kind === 'answered' && lane !== winner?.lane) options.discard?.(lane, end.answer);
    }
    const unstarted = waiting.map((lane): LaneReport<T> => ({
      lane,
      end: { kind: 'cancelled', reason: whyStopped ?? 'decided' },
      startedAtMs: null,
      endedAtMs: nowMs(),
    }));
    return {
      winner,
      reason: done.reason,
      agreement: done.agreement ?? null,
      margin: done.margin ?? null,
      ended: [...ended],
      settled: Promise.all(endings).then(() => [...ended, ...unstarted].sort((a, b) => a.lane - b.lane)),
    };
  }
}

/** The kind of an error without its text, which may hold what was asked. */
function nameOfError(error: unknown): string {
  return error instanceof Error ? error.name : 'error';
}
