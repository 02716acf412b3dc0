// A thread that says when to send. Node's timers count whole milliseconds; this one sleeps to the microsecond.
import { parentPort, workerData } from 'node:worker_threads';

const { intervalMs, count } = workerData as { intervalMs: number; count: number };
const never = new Int32Array(new SharedArrayBuffer(4));
const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6;

const startMs = nowMs() + 5;
for (let beat = 0; beat < count; beat += 1) {
  const dueMs = startMs + beat * intervalMs;
  for (let left = dueMs - nowMs(); left > 0; left = dueMs - nowMs()) Atomics.wait(never, 0, 0, left);
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is no window
  parentPort?.postMessage(dueMs);
}
