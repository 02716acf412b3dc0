import cluster from 'node:cluster';
import type { FromWorker, ToWorker, WorkerConfig } from './messages.ts';

/** A worker, as the primary sees it. */
export interface WorkerProcess {
  readonly instanceId: string;
  /** That it takes requests, or why it never will; never rejects. */
  readonly started: Promise<{ port: number } | { reason: string }>;
  readonly ended: Promise<{ code: number | null; signal: string | null }>;
  /** One that has ended hears nothing. */
  tell(message: ToWorker): void;
  /** At once, whatever it does. */
  kill(): void;
}

/** Forks a worker and starts it with the configuration. */
export function launchWorker(
  start: WorkerConfig,
  onMetricsRequest: (worker: WorkerProcess, id: number) => void,
): WorkerProcess {
  const forked = cluster.fork();
  let settle: (start: { port: number } | { reason: string }) => void = () => undefined;
  let settleEnd: (end: { code: number | null; signal: string | null }) => void = () => undefined;

  const worker: WorkerProcess = {
    instanceId: start.config.instance_id,
    started: new Promise((resolve) => (settle = resolve)),
    ended: new Promise((resolve) => (settleEnd = resolve)),
    tell(message) {
      // It may end between the question and the message: the callback takes the error.
      if (forked.isConnected()) forked.send(message, () => undefined);
    },
    kill: () => void forked.process.kill('SIGKILL'),
  };
  forked.on('message', (message: FromWorker) => {
    if (message.type === 'metrics') onMetricsRequest(worker, message.id);
    else if (message.type === 'started') settle({ port: message.port });
    else if (message.type === 'refused') settle({ reason: message.reason });
  });
  // Of a channel that broke while something was sent; the end of the process says the rest.
  forked.on('error', () => undefined);
  forked.once('exit', (code: number | null, signal: string | null) => {
    settle({
      reason: `worker ${start.config.instance_id} ended while it started (${signal ?? `exit code ${code ?? ''}`})`,
    });
    settleEnd({ code, signal });
  });
  worker.tell({ type: 'config', config: start });
  return worker;
}
