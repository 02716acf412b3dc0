import { createHash } from 'node:crypto';
import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { isAlive } from '../../platform/postgres/postmaster.ts';

/**
 * A process, told apart from all others that ever had its id: in a container every start is process 1. `place` is where
 * the id means something: one boot of one machine, one container.
 */
export interface ProcessIdentity {
  place: string;
  pid: number;
  /** When it started, as the system counts; empty where the system does not tell. */
  startedAt: string;
}

export async function identifyThisProcess(): Promise<ProcessIdentity> {
  const [boot, namespace, stat] = await Promise.all([
    readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => ''),
    readlink('/proc/self/ns/pid').catch(() => ''),
    readStat(process.pid),
  ]);
  const place = createHash('sha256').update([hostname(), boot, namespace].join('\n')).digest('hex').slice(0, 12);
  return { place, pid: process.pid, startedAt: stat?.startedAt ?? '' };
}

/** Whether the process still runs, or null where that cannot be seen from here. */
export async function isRunning(other: ProcessIdentity, self: ProcessIdentity): Promise<boolean | null> {
  if (other.place !== self.place) return null;
  if (!isAlive(other.pid)) return false;
  const stat = await readStat(other.pid);
  return stat === undefined || (stat.startedAt === other.startedAt && !stat.isZombie);
}

/** proc(5): behind the name, which may hold anything, the first field is the state and the twentieth the start. */
async function readStat(pid: number): Promise<{ startedAt: string; isZombie: boolean } | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const startedAt = fields[19];
  return startedAt === undefined ? undefined : { startedAt, isZombie: fields[0] === 'Z' };
}
