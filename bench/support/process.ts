import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

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

const running = new Set<ChildProcess>();

/** Runs a script and waits for its ready line. Of this process's environment it gets the search path alone. */
export async function startProcess(
  script: URL,
  args: readonly string[] = [],
  env: Record<string, string> = {},
): Promise<BenchProcess> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, [fileURLToPath(script), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], LOG_LEVEL: 'error', ...env },
  });
  running.add(child);
  child.once('exit', () => running.delete(child));
  let said = '';
  child.stderr.on('data', (part: Buffer) => (said = `${said}${part.toString()}`.slice(-2000)));
  const ready = await readyLine(child.stdout);
  if (child.pid === undefined || ready === undefined) {
    throw new Error(`${[script.pathname, ...args].join(' ')} ended before it was ready: ${said}`);
  }
  return { pid: child.pid, ready, startedInMs: performance.now() - startedAt, stop: () => stop(child) };
}

/** Stops whatever is still running, the newest first. */
export async function stopProcesses(): Promise<void> {
  for (const child of [...running].toReversed()) await stop(child);
}

async function stop(child: ChildProcess): Promise<void> {
  if (!running.has(child)) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}

async function readyLine(stdout: Readable): Promise<ReadyLine | undefined> {
  for await (const line of createInterface({ input: stdout })) {
    const parsed: unknown = line.startsWith('{') ? JSON.parse(line) : null;
    if (typeof parsed === 'object' && parsed !== null && 'ready' in parsed) return parsed as ReadyLine;
  }
  return undefined;
}

/** Linux counts processor time in ticks of 10 ms. */
const microsecondsPerTick = 10_000;

/** Processor time of a process in microseconds, user and system, all its threads (Linux). */
export function cpuMicroseconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name in parentheses may hold spaces; after it, fields 14 and 15 of the line are the times.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * microsecondsPerTick;
}

/** The processes that a process has started, and those that these have started (Linux). */
export function descendants(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  return children.flatMap((child) => [child, ...descendants(child)]);
}

/** Memory of processes in MiB, each page shared by several counted once: proportional set size (Linux). */
export function memoryMiB(pids: readonly number[]): number {
  const sizes = pids.map((pid) => /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]);
  return sizes.reduce((sum, kilobytes) => sum + Number(kilobytes ?? 0), 0) / 1024;
}
