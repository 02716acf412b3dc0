import { Pool } from 'undici';
import { cpuMicroseconds } from './process.ts';

export interface Target {
  port: number;
  /** The process that is charged. */
  pid: number;
}

export interface Load {
  body: string;
  requests: number;
  /** Requests under way at any time: each is followed by the next one as soon as it was answered. */
  concurrency: number;
}

/** Of one round. */
export interface Sample {
  /** Processor time of the target for each request. */
  cpuMicroseconds: number;
  perSecond: number;
}

/** Sends requests over kept connections and reads every answer to its end. Throws on an answer that is not the expected one. */
export async function measure({ port, pid }: Target, { body, requests, concurrency }: Load): Promise<Sample> {
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections: concurrency, pipelining: 1 });
  const headers = { 'content-type': 'application/json' };
  let left = requests;

  async function sendInTurn(): Promise<void> {
    while (left > 0) {
      left -= 1;
      const answer = await pool.request({ path: '/v1/chat/completions', method: 'POST', headers, body });
      const text = await answer.body.text();
      if (answer.statusCode !== 200 || !text.includes('Paris')) {
        throw new Error(`not the expected answer: ${answer.statusCode} ${text.slice(0, 200)}`);
      }
    }
  }

  const cpuBefore = cpuMicroseconds(pid);
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: concurrency }, sendInTurn));
  const seconds = (performance.now() - startedAt) / 1000;
  const cpu = cpuMicroseconds(pid) - cpuBefore;
  await pool.close();
  return { cpuMicroseconds: cpu / requests, perSecond: requests / seconds };
}
