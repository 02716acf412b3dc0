import { Worker } from 'node:worker_threads';
import type { TrainingOrder } from './training-worker.ts';

/**
 * The bytes of a predictor trained on these examples, in a thread of its own that ends with it, or with `signal`.
 *
 * @throws whatever the thread failed with; an AbortError when it was ended.
 */
export function trainInThread(order: TrainingOrder, signal: AbortSignal): Promise<Buffer> {
  // Sources run as they are, and built.
  const file = import.meta.url.endsWith('.ts') ? './training-worker.ts' : './training-worker.js';
  const worker = new Worker(new URL(file, import.meta.url), { workerData: order });
  worker.unref();
  const stop = (): void => void worker.terminate();
  signal.addEventListener('abort', stop, { once: true });
  return new Promise<Buffer>((resolve, reject) => {
    worker.once('message', (bytes: Uint8Array) => resolve(Buffer.from(bytes)));
    worker.once('error', reject);
    worker.once('exit', () => reject(new DOMException('the training was ended', 'AbortError')));
  }).finally(() => {
    signal.removeEventListener('abort', stop);
    stop();
  });
}
