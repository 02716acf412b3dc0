import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A process that a test started. */
export interface Child {
  pid: number;
  /** All that it has written so far. */
  stdout(): string;
  stderr(): string;
  /** The first complete line of stdout that is JSON for which `matches` holds. Rejects when the process ends without. */
  waitForLine<T>(matches: (line: Record<string, unknown>) => boolean): Promise<T>;
  /** Resolves to the exit code, `null` when it was killed. */
  waitForExit(): Promise<number | null>;
  kill(signal: NodeJS.Signals): void;
}

/** So that only the first of the many processes of a test run compiles what all of them are made of. */
export const compileCache = {
  NODE_COMPILE_CACHE: fileURLToPath(new URL('../../node_modules/.cache/compiled', import.meta.url)),
};

type ChildOptions = Pick<SpawnOptions, 'cwd' | 'env' | 'detached'>;

/** Runs a TypeScript file of the repository, such as `test/support/embedded-process.ts`, with this same Node. */
export function runScript(file: string, args: readonly string[], options: ChildOptions = {}): Child {
  const script = fileURLToPath(new URL(`../../${file}`, import.meta.url));
  const env = { ...(options.env ?? process.env), ...compileCache };
  return runProgram(process.execPath, [script, ...args], { ...options, env });
}

export function runProgram(program: string, args: readonly string[], options: ChildOptions = {}): Child {
  const child: ChildProcess = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(child, 'close') as Promise<[number | null]>;
  let stdout = '';
  let stderr = '';
  let ended = false;
  let wake: () => void = () => undefined;
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
    wake();
  });
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
  });
  child.once('close', () => {
    ended = true;
    wake();
  });
  if (child.pid === undefined) throw new Error(`cannot start ${program}`);

  return {
    pid: child.pid,
    stdout: () => stdout,
    stderr: () => stderr,
    async waitForLine<T>(matches: (line: Record<string, unknown>) => boolean) {
      for (;;) {
        const found = parseLines(stdout).find(matches);
        if (found !== undefined) return found as T;
        if (ended) throw new Error(`the process ended before it wrote the line; it said: ${stderr}`);
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    async waitForExit() {
      const [code] = await exited;
      return code;
    },
    kill(signal) {
      child.kill(signal);
    },
  };
}

/** The complete lines of a text that are JSON objects. */
export function parseLines(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .slice(0, -1)
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
