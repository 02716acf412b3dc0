// What Linux tells of processes in /proc.
import { existsSync, readFileSync } from 'node:fs';

export function hasProc(): boolean {
  return existsSync('/proc/self/smaps_rollup');
}

/** The processes that a process has started, and those that these have started. */
export function descendants(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  return children.flatMap((child) => [child, ...descendants(child)]);
}

/** Memory of processes in MiB, each page shared by several counted once: proportional set size. */
export function sharedMemoryMiB(pids: readonly number[]): number {
  const sizes = pids.map((pid) => /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]);
  return sizes.reduce((sum, kibibytes) => sum + Number(kibibytes ?? 0), 0) / 1024;
}

/** Resident memory of a process in KiB. */
export function residentKiB(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}
