import { readdir, readFile } from 'node:fs/promises';
import { isAlive } from '../../src/platform/postgres/postmaster.ts';

/** The process and those that it started; on Linux alone, elsewhere only itself. */
export async function withDescendants(pid: number): Promise<number[]> {
  if (process.platform !== 'linux') return [pid];
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const parents = await Promise.all(pids.map(parentOf));
  const children = pids.filter((_, index) => parents[index] === pid);
  return [pid, ...(await Promise.all(children.map(withDescendants))).flat()];
}

/** Those that still do something; one that only waits for its exit code to be read does not. */
export async function running(pids: readonly number[]): Promise<number[]> {
  if (process.platform !== 'linux') return pids.filter(isAlive);
  const states = await Promise.all(pids.map(statusOf));
  return pids.filter((_, index) => /^State:\s+[^XZ]/m.test(states[index] ?? ''));
}

async function statusOf(pid: number): Promise<string> {
  return readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
}

async function parentOf(pid: number): Promise<number> {
  return Number(/^PPid:\s+(\d+)$/m.exec(await statusOf(pid))?.[1]);
}
