import cluster from 'node:cluster';
import { sleep } from '../core/clock.ts';
import { messageOf, StartupError } from '../core/errors.ts';
import type { Service } from '../core/service.ts';
import type { Config } from '../config/load.ts';
import { collectClusterMetrics } from '../telemetry/cluster-metrics.ts';
import type { Logger } from '../telemetry/logger.ts';
import { launchWorker, type WorkerProcess } from './worker-process.ts';

export interface WorkersOptions {
  /** The program of a worker; it speaks to this process through `connectToPrimary`. */
  script: string;
  /** One for each worker. */
  configs: readonly Config[];
  /** How long a worker may finish what is under way. */
  drainTimeoutMs: number;
  log: Logger;
}

const firstPauseMs = 100;
const longestPauseMs = 10_000;
/** A worker that lived so long ended by chance: the next one starts without delay. */
const steadyMs = 60_000;
/** For what a stop does besides finishing requests. */
const stopGraceMs = 10_000;

/**
 * Processes that answer on one port: this one accepts connections and hands them to the workers in turn. A worker that
 * ends is started again, after a pause that grows while it keeps ending.
 */
export function createWorkers(options: WorkersOptions): Service & { port(): number } {
  const { configs, log } = options;
  const stopping = new AbortController();
  const alive = new Set<WorkerProcess>();
  let supervision: Promise<unknown> = Promise.resolve();
  let port: number | undefined;

  function launch(config: Config): WorkerProcess {
    const worker = launchWorker(config, answerMetrics);
    alive.add(worker);
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
  async function keepRunning(first: WorkerProcess): Promise<void> {
    const { config } = first;
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
        { worker: config.instance_id, ...end, ...start, retry_in_ms: retryInMs },
        'a worker ended; it is started again',
      );
      await sleep(retryInMs, stopping.signal);
      if (stopping.signal.aborted) return;
      worker = launch(config);
    }
  }

  async function stop(): Promise<void> {
    stopping.abort();
    for (const worker of alive) worker.tell({ type: 'stop' });
    const force = setTimeout(() => {
      for (const worker of alive) worker.kill();
    }, options.drainTimeoutMs + stopGraceMs);
    await Promise.all([supervision, ...[...alive].map((worker) => worker.ended)]);
    clearTimeout(force);
  }

  return {
    name: 'workers',
    async start() {
      cluster.setupPrimary({ exec: options.script, args: [] });
      const workers = configs.map(launch);
      const starts = await Promise.all(workers.map((worker) => worker.started));
      const refusal = starts.find((start) => 'reason' in start);
      if (refusal !== undefined) {
        await stop();
        throw new StartupError(refusal.reason);
      }
      port = starts.find((start) => 'port' in start)?.port;
      supervision = Promise.all(workers.map((worker) => keepRunning(worker)));
    },
    stop,
    port() {
      if (port === undefined) throw new Error('no worker listens');
      return port;
    },
  };
}
