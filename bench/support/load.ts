import { Worker } from 'node:worker_threads';
import { Connections, requestBytes, type Target } from './target.ts';

export interface ClosedLoad {
  body: string;
  requests: number;
  /** Requests under way at any time: each is followed by the next one as soon as it was answered. */
  concurrency: number;
}

/** As much as the target takes; returns requests a second. */
export async function saturate(target: Target, { body, requests, concurrency }: ClosedLoad): Promise<number> {
  const connections = new Connections(target);
  const request = requestBytes(target, body);
  let left = requests;

  async function sendInTurn(): Promise<void> {
    const connection = connections.take();
    while (left > 0) {
      left -= 1;
      await connection.send(request);
    }
  }
  const startedAtMs = performance.now();
  try {
    await Promise.all(Array.from({ length: concurrency }, sendInTurn));
  } finally {
    connections.close();
  }
  return requests / ((performance.now() - startedAtMs) / 1000);
}

export interface OpenLoad {
  body: string;
  perSecond: number;
  seconds: number;
}

/** Milliseconds from the moment at which each request was to be sent. */
export interface Latencies {
  firstTokenMs: number[];
  wholeMs: number[];
}

/**
 * Requests on a clock, however long the answers take. Each counts from its place on the clock and not from when it was
 * really sent, so that one slow answer is charged with all that it kept waiting.
 */
export async function sendAtRate(target: Target, { body, perSecond, seconds }: OpenLoad): Promise<Latencies> {
  const connections = new Connections(target);
  const request = requestBytes(target, body);
  const latencies: Latencies = { firstTokenMs: [], wholeMs: [] };
  const underWay: Array<Promise<void>> = [];

  async function send(dueMs: number): Promise<void> {
    const connection = connections.take();
    const answer = await connection.send(request);
    connections.giveBack(connection);
    latencies.firstTokenMs.push(answer.firstTokenAtMs - dueMs);
    latencies.wholeMs.push(answer.endedAtMs - dueMs);
  }
  const metronome = new Worker(new URL('metronome.ts', import.meta.url), {
    workerData: { intervalMs: 1000 / perSecond, count: Math.round(perSecond * seconds) },
  });
  try {
    await new Promise<void>((resolve, reject) => {
      metronome.on('message', (dueMs: number) => {
        const sent = send(dueMs);
        sent.catch(reject);
        underWay.push(sent);
      });
      metronome.once('error', reject);
      metronome.once('exit', () => resolve());
    });
    await Promise.all(underWay);
  } finally {
    await metronome.terminate();
    connections.close();
  }
  return latencies;
}
