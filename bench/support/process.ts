import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface Memory {
  rssBytes: number;
  heapBytes: number;
}

export interface BenchProcess {
  pid: number;
  /** From the ready line: the port, or that of the router where it names several. 0 where it names none. */
  port: number;
  ports: Readonly<Record<string, number>>;
  /** From the start to the ready line. */
  startedInMs: number;
  /** Its processor time so far, user and system, all threads; only of a process with a probe. */
  cpuMicroseconds(): Promise<number>;
  /** Its memory after a collection of garbage; only of a process with a probe. */
  memory(): Promise<Memory>;
  stop(): Promise<void>;
}

export interface ProcessOptions {
  args?: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** How its line begins that says that it is ready. */
  readyLine?: RegExp;
  /** Load the probe, which answers for processor time and memory. */
  probe?: boolean;
}

const probeArguments = ['--expose-gc', '--import', new URL('probe.ts', import.meta.url).href];
const running = new Set<ChildProcess>();

/** Runs a script and waits for its ready line. Of this process's environment it gets the search path alone. */
export async function startProcess(script: URL, options: ProcessOptions = {}): Promise<BenchProcess> {
  const { args = [], env = {}, readyLine = /^\{"ready":true/, probe = false } = options;
  const startedAtMs = performance.now();
  const child = spawn(process.execPath, [...(probe ? probeArguments : []), fileURLToPath(script), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], LOG_LEVEL: 'error', ...env },
    // A group of its own: Ctrl-C reaches this process alone, which then stops its children in order.
    detached: true,
  });
  running.add(child);
  child.once('exit', () => running.delete(child));
  let said = '';
  child.stderr.on('data', (part: Buffer) => (said = `${said}${part.toString()}`.slice(-2000)));
  const lines = createInterface({ input: child.stdout });
  const line = await nextLine(lines, readyLine);
  if (child.pid === undefined || line === undefined) {
    throw new Error(`${[script.pathname, ...args].join(' ')} ended before it was ready: ${said}`);
  }
  const { port, ports = {} } = JSON.parse(line.startsWith('{') ? line : '{}') as {
    port?: number;
    ports?: Record<string, number>;
  };
  async function ask<T>(signal: 'SIGCONT' | 'SIGUSR2'): Promise<T> {
    const answer = nextLine(lines, /^\{"(?:cpuMicroseconds|memory)":/);
    child.kill(signal);
    return JSON.parse((await answer) ?? '{}') as T;
  }
  return {
    pid: child.pid,
    port: port ?? ports['router'] ?? 0,
    ports,
    startedInMs: performance.now() - startedAtMs,
    cpuMicroseconds: async () => (await ask<{ cpuMicroseconds: number }>('SIGCONT')).cpuMicroseconds,
    memory: async () => (await ask<{ memory: Memory }>('SIGUSR2')).memory,
    stop: () => stop(child),
  };
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

/** The next line that matches; undefined where the process ends before. */
function nextLine(lines: Interface, pattern: RegExp): Promise<string | undefined> {
  return new Promise((resolve) => {
    function look(line: string): void {
      if (pattern.test(line)) settle(line);
    }
    function settle(line?: string): void {
      lines.off('line', look);
      lines.off('close', settle);
      resolve(line);
    }
    lines.on('line', look);
    lines.once('close', settle);
  });
}
