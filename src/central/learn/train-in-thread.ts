import { Worker } from 'node:worker_threads';

/** What a training is to be made from. */
export interface TrainingOrder {
  connectionString: string;
  masterKey: string | undefined;
  /** Fewer are not learned from. */
  minOutcomes: number;
  /** The newest, so many. */
  maxOutcomes: number;
}

export interface Trained {
  version: number;
  /** Outcomes that were learned from. */
  examples: number;
  /** As `encodePredictor` gives it. */
  content: Uint8Array;
}

/**
 * Trains a predictor, in a thread of its own that ends with it, or with `signal`. Null where there is not enough to learn from.
 *
 * @throws whatever the thread failed with; an AbortError when it was ended.
 */
export function trainInThread(order: TrainingOrder, signal: AbortSignal): Promise<Trained | null> {
  // Sources run as they are, and built.
  const file = import.meta.url.endsWith('.ts') ? './training-worker.ts' : './training-worker.js';
  const worker = new Worker(new URL(file, import.meta.url), { workerData: order });
  worker.unref();
  const stop = (): void => void worker.terminate();
  signal.addEventListener('abort', stop, { once: true });
  return new Promise<Trained | null>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', () => reject(new DOMException('the training was ended', 'AbortError')));
  }).finally(() => {
    signal.removeEventListener('abort', stop);
    stop();
  });
}
