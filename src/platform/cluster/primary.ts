import cluster from 'node:cluster';
import { type ConfigHolder, createLiveConfig, type LiveConfig } from '../config/live.ts';
import type { FromWorker, ToWorker, WorkerConfig } from './messages.ts';

/** The primary, as a worker sees it. */
export interface Primary {
  /** What to start with, and what changes of it while this process runs. */
  readonly config: Promise<LiveConfig>;
  /** Why to stop: a signal, or the primary wants it or has ended. After a second signal the process ends at once. */
  readonly stopRequested: Promise<string>;
  tell(message: FromWorker): void;
  /** The metrics of all workers together, in Prometheus's format. */
  collectMetrics(): Promise<string>;
  /** Lets go of the primary, so that nothing keeps this process from ending. */
  disconnect(): void;
}

/** The other end of `createWorkers`, in the process of a worker. */
export function connectToPrimary(): Primary {
  const waiting = new Map<number, (text: string | null) => void>();
  let lastId = 0;
  let live: ConfigHolder | undefined;
  let start: (config: LiveConfig) => void = () => undefined;
  let requestStop: (reason: string) => void = () => undefined;
  let stopping = false;

  function stop(reason: string): void {
    stopping = true;
    requestStop(reason);
  }
  function stopOrEnd(reason: string): void {
    if (stopping) process.exit(130);
    stop(reason);
  }
  function configure({ config, state }: WorkerConfig): void {
    if (live !== undefined) live.set(config, state);
    else start((live = createLiveConfig(config, state)));
  }
  function tell(message: FromWorker): void {
    if (process.connected) process.send?.(message);
  }

  const primary: Primary = {
    config: new Promise((resolve) => (start = resolve)),
    stopRequested: new Promise((resolve) => (requestStop = resolve)),
    tell,
    async collectMetrics() {
      if (!process.connected) throw new Error('the primary has ended');
      lastId += 1;
      const id = lastId;
      const text = await new Promise<string | null>((resolve) => {
        waiting.set(id, resolve);
        tell({ type: 'metrics', id });
      });
      if (text === null) throw new Error('the metrics of all workers could not be collected');
      return text;
    },
    disconnect() {
      if (process.connected) cluster.worker?.disconnect();
    },
  };

  process.on('message', (message: ToWorker) => {
    if (message.type === 'config') configure(message.config);
    else if (message.type === 'stop') stop('primary');
    else if (message.type === 'metrics') {
      waiting.get(message.id)?.(message.text);
      waiting.delete(message.id);
    }
  });
  cluster.worker?.once('disconnect', () => {
    if (cluster.worker === undefined || cluster.worker.exitedAfterDisconnect) return;
    // The primary has died. Node would end this process here and now; the answers under way are worth finishing.
    cluster.worker.exitedAfterDisconnect = true;
    for (const answer of waiting.values()) answer(null);
    stopOrEnd('the primary has ended');
  });
  // A terminal sends its signals to all processes; the primary's own message may come before or after.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      stop(signal);
      process.once(signal, () => process.exit(130));
    });
  }
  // It is for the primary, which reads the file for all; a worker would end of it.
  process.on('SIGHUP', () => undefined);
  return primary;
}
