import type { Counter } from 'prom-client';
import type { Logger } from '../telemetry/logger.ts';
import { sleep } from './clock.ts';
import type { Live } from './live.ts';
import type { HealthCheck, Service } from './service.ts';

export interface LoopOptions {
  name: string;
  /** One that may change counts from the end of the next round on. */
  intervalMs: number | Live<number>;
  /** One round. Return `'again'` when there is more to do now. `signal` aborts when the loop is stopped. */
  runOnce(signal: AbortSignal): Promise<'again' | void>;
  log: Logger;
  /** Longest pause after repeated failures. */
  maxBackoffMs?: number;
  /** Counts failed rounds, labelled `loop`. */
  failures?: Counter<'loop'>;
}

export interface Loop extends Service {
  /** Starts the next round now instead of after the interval. */
  wake(): void;
}

/**
 * Runs `runOnce` every `intervalMs`, never twice at once. A failure is counted, and doubles the pause up to `maxBackoffMs`.
 * Of failures in a row the first is a warning and the others are for debugging; the round that succeeds after them is told of
 * too. `stop` waits for the round under way.
 */
export function createLoop(options: LoopOptions): Loop {
  const { name, runOnce, log, maxBackoffMs = 30_000, failures } = options;
  const interval = (): number => (typeof options.intervalMs === 'number' ? options.intervalMs : options.intervalMs());
  // A series that begins with its first failure would hide it from `increase`.
  failures?.inc({ loop: name }, 0);
  const stopping = new AbortController();
  let pause = new AbortController();
  let wakeRequested = false;
  let failuresInARow = 0;
  let lastError: unknown;
  let running: Promise<void> | undefined;

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      wakeRequested = false;
      let delayMs = interval();
      try {
        const more = await runOnce(stopping.signal);
        if (failuresInARow > 0) log.info({ loop: name, failed_rounds: failuresInARow }, 'rounds succeed again');
        failuresInARow = 0;
        if (more === 'again') continue;
      } catch (error) {
        if (stopping.signal.aborted) break;
        failuresInARow += 1;
        lastError = error;
        failures?.inc({ loop: name });
        delayMs = Math.min(maxBackoffMs, Math.max(interval(), 100) * 2 ** Math.min(failuresInARow, 10));
        const level = failuresInARow === 1 ? 'warn' : 'debug';
        log[level]({ loop: name, err: error, failures_in_a_row: failuresInARow, retry_in_ms: delayMs }, 'round failed');
      }
      if (wakeRequested && failuresInARow === 0) continue;
      pause = new AbortController();
      await sleep(delayMs, AbortSignal.any([pause.signal, stopping.signal]));
    }
  }

  function health(): HealthCheck {
    if (failuresInARow < 3) return { ok: true };
    const reason = lastError instanceof Error ? lastError.message : 'unknown error';
    return { ok: false, detail: `${failuresInARow} failed rounds in a row: ${reason}` };
  }

  return {
    name,
    start() {
      running = run();
      return Promise.resolve();
    },
    async stop() {
      stopping.abort();
      await running;
    },
    wake() {
      wakeRequested = true;
      // With a reason of its own, or each wake would make an error with its stack.
      if (failuresInARow === 0) pause.abort('woken');
    },
    health,
  };
}
