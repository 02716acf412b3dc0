import { execFile } from 'node:child_process';
import { readFile, realpath, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

/** What PostgreSQL writes about itself into its data directory while it runs. */
export interface Postmaster {
  pid: number;
  port: number;
  /** As PostgreSQL names it: `ready` once it takes connections. */
  status: 'starting' | 'ready' | 'stopping';
}

/**
 * Reads `postmaster.pid`. `undefined` when no server runs on the folder.
 *
 * A file left by a killed server may name a process id that something else has got since (common in containers, where
 * few ids are in use); PostgreSQL would then refuse to start for ever, so such a file is removed.
 */
export async function findPostmaster(clusterDir: string): Promise<Postmaster | undefined> {
  const file = path.join(clusterDir, 'postmaster.pid');
  const lines = (await readIfExists(file)).split('\n');
  const pid = Number(lines[0]);
  if (!Number.isSafeInteger(pid) || pid <= 0 || !isAlive(pid)) return undefined;
  if (!(await isPostmasterOf(pid, clusterDir))) {
    await rm(file, { force: true });
    return undefined;
  }
  const status = lines[7]?.trim();
  return {
    pid,
    port: Number(lines[3]),
    status: status === 'ready' || status === 'stopping' ? status : 'starting',
  };
}

/** The port on which the folder's server ran last; `undefined` when it never ran. */
export async function findLastPort(clusterDir: string): Promise<number | undefined> {
  const options = await readIfExists(path.join(clusterDir, 'postmaster.opts'));
  const port = /"-p" "(\d+)"/.exec(options)?.[1];
  return port === undefined ? undefined : Number(port);
}

/** Whether a process with this id exists, of whatever user. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Whether the process is a PostgreSQL server on that folder. A zombie is not: it has no command line any more. */
export async function isPostmasterOf(pid: number, clusterDir: string): Promise<boolean> {
  if (process.platform !== 'linux') {
    const { stdout } = await promisify(execFile)('ps', ['-o', 'command=', '-p', String(pid)]).catch(() => ({
      stdout: '',
    }));
    return stdout.includes('postgres') && stdout.includes(clusterDir);
  }
  const args = (await readIfExists(`/proc/${pid}/cmdline`)).split('\0');
  const folder = args[args.indexOf('-D') + 1] ?? '';
  return path.basename(args[0] ?? '') === 'postgres' && (await samePlace(folder, clusterDir));
}

async function samePlace(a: string, b: string): Promise<boolean> {
  if (a === b) return true;
  const [first, second] = await Promise.all([a, b].map((place) => realpath(place).catch(() => undefined)));
  return first !== undefined && first === second;
}

async function readIfExists(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ESRCH') return '';
    throw error;
  });
}
