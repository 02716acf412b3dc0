import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

export interface ReadyLine {
  ready: true;
  port?: number;
  ports?: Record<string, number>;
}

export interface BenchProcess {
  pid: number;
  ready: ReadyLine;
  /** From the start to the ready line. */
  startedInMs: number;
  stop(): Promise<void>;
}

/** Runs a script of this repository and waits for its ready line. */
export async function startProcess(args: readonly string[], env: Record<string, string> = {}): Promise<BenchProcess> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], LOG_LEVEL: 'error', ...env },
  });
  const ready = await readyLine(child, args);
  return {
    pid: child.pid ?? 0,
    ready,
    startedInMs: performance.now() - startedAt,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

async function readyLine(child: ChildProcess, args: readonly string[]): Promise<ReadyLine> {
  if (child.stdout === null) throw new Error('no output');
  for await (const line of createInterface({ input: child.stdout })) {
    const parsed: unknown = line.startsWith('{') ? JSON.parse(line) : null;
    if (typeof parsed === 'object' && parsed !== null && 'ready' in parsed) return parsed as ReadyLine;
  }
  throw new Error(`${args.join(' ')} ended before it was ready`);
}

/** Clock ticks of 10 ms are what Linux counts processor time in. */
const microsecondsPerTick = 10_000;

/** Processor time of a process in microseconds, its threads included (Linux). */
export function cpuMicroseconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name before may hold spaces; fields 14 and 15 of the whole line are user and system time.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * microsecondsPerTick;
}

/** Memory of a process in MiB, shared pages counted by share (Linux). */
export function memoryMiB(pid: number): number {
  const match = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'));
  return Number(match?.[1] ?? 0) / 1024;
}
