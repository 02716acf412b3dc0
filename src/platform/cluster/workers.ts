import cluster from 'node:cluster';
import { sleep } from '../core/clock.ts';
import { messageOf, StartupError } from '../core/errors.ts';
import type { Service } from '../core/service.ts';
import type { Live } from '../core/live.ts';
import { collectClusterMetrics } from '../telemetry/cluster-metrics.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { WorkerConfig } from './messages.ts';
import { launchWorker, type WorkerProcess } from './worker-process.ts';

export interface WorkersOptions {
  /** The program of a worker; it speaks to this process through `connectToPrimary`. */
  script: string;
  /** One for each worker; there are always as many. */
  configs: Live<readonly WorkerConfig[]>;
  /** How long a worker may finish what is under way. */
  drainTimeoutMs: Live<number>;
  log: Logger;
}

const firstPauseMs = 100;
const longestPauseMs = 10_000;
/** A worker that lived so long ended by chance: the next one starts without delay. */
const steadyMs = 60_000;
/** For what a stop does besides finishing requests. */
const stopGraceMs = 10_000;

export interface Workers extends Service {
  port(): number;
  /** Tells every worker its configuration again. */
  reconfigure(): void;
}

/**
 * Processes that answer on one port: this one accepts connections and hands them to the workers in turn. A worker that
 * ends is started again, after a pause that grows while it keeps ending.
 */
export function createWorkers(options: WorkersOptions): Workers {
  const { configs, log } = options;
  const stopping = new AbortController();
  /** With their places among the configurations. */
  const alive = new Map<WorkerProcess, number>();
  let supervision: Promise<unknown> = Promise.resolve();
  let port: number | undefined;

  function launch(config: WorkerConfig, place: number): WorkerProcess {
    const worker = launchWorker(config, answerMetrics);
    alive.set(worker, place);
    void worker.ended.then(() => alive.delete(worker));
    return worker;
  }

  function answerMetrics(worker: WorkerProcess, id: number): void {
    collectClusterMetrics().then(
      (text) => worker.tell({ type: 'metrics', id, text }),
      (error: unknown) => {
        log.warn({ reason: messageOf(error) }, 'the metrics of all workers could not be collected');
        worker.tell({ type: 'metrics', id, text: null });
      },
    );
  }

  /** Until the stop there is always a worker of this configuration, or soon. */
  async function keepRunning(first: WorkerProcess, place: number): Promise<void> {
    let worker = first;
    for (let failures = 0; ;) {
      const startedAtMs = performance.now();
      const end = await worker.ended;
      // Where it never came up, why.
      const start = await worker.started;
      if (stopping.signal.aborted) return;
      failures = performance.now() - startedAtMs > steadyMs ? 0 : failures + 1;
      const retryInMs = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.max(0, failures - 1));
      log.error(
        { worker: worker.instanceId, ...end, ...start, retry_in_ms: retryInMs },
        'a worker ended; it is started again',
      );
      await sleep(retryInMs, stopping.signal);
      if (stopping.signal.aborted) return;
      const config = configs()[place];
      if (config === undefined) return;
      worker = launch(config, place);
    }
  }

  async function stop(): Promise<void> {
    stopping.abort();
    for (const worker of alive.keys()) worker.tell({ type: 'stop' });
    const force = setTimeout(() => {
      for (const worker of alive.keys()) worker.kill();
    }, options.drainTimeoutMs() + stopGraceMs);
    await Promise.all([supervision, ...[...alive.keys()].map((worker) => worker.ended)]);
    clearTimeout(force);
  }

  return {
    name: 'workers',
    async start() {
      cluster.setupPrimary({ exec: options.script, args: [] });
      const workers = configs().map(launch);
      const starts = await Promise.all(workers.map((worker) => worker.started));
      const refusal = starts.find((start) => 'reason' in start);
      if (refusal !== undefined) {
        await stop();
        throw new StartupError(refusal.reason);
      }
      port = starts.find((start) => 'port' in start)?.port;
      supervision = Promise.all(workers.map((worker, place) => keepRunning(worker, place)));
    },
    stop,
    reconfigure() {
      const now = configs();
      for (const [worker, place] of alive) {
        const config = now[place];
        if (config !== undefined) worker.tell({ type: 'config', config });
      }
    },
    port() {
      if (port === undefined) throw new Error('no worker listens');
      return port;
    },
  };
}
