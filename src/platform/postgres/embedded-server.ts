import { type ChildProcess, spawn } from 'node:child_process';
import { open, stat, truncate } from 'node:fs/promises';
import { createServer } from 'node:net';
import { sleep } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import type { Logger } from '../telemetry/logger.ts';
import { type Cluster, giveToOwner } from './embedded-cluster.ts';
import { programEnvironment } from './embedded-runner.ts';
import { findLastPort, findPostmaster, isAlive, isPostmasterOf } from './postmaster.ts';

/** A running server. */
export interface Server {
  pid: number;
  port: number;
  /** Does nothing when the process is gone. */
  signal(signal: NodeJS.Signals): void;
  /** Resolves when the process is gone. */
  waitForExit(): Promise<unknown>;
}

export type LaunchResult = { server: Server } | { failure: string };

const maxLogBytes = 10 * 1024 * 1024;
const fastShutdownMs = 10_000;

/** What is set for every server, whatever `postgresql.conf` says. */
const settings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '100',
  fsync: 'on',
  full_page_writes: 'on',
  log_checkpoints: 'off',
  // Without the details, which quote the contents of rows.
  log_error_verbosity: 'terse',
  logging_collector: 'off',
  log_destination: 'stderr',
  log_line_prefix: '%m [%p] ',
};

/**
 * Starts a server and waits until it takes connections, however long its recovery takes. `failure` is what it said
 * last when it ended instead.
 */
export async function launchServer(cluster: Cluster, port: number): Promise<LaunchResult> {
  await giveToOwner(cluster.clusterDir, cluster.runner.owner);
  await shortenLog(cluster.logFile);
  const log = await open(cluster.logFile, 'a', 0o600);
  const logStart = (await log.stat()).size;
  let child: ChildProcess;
  try {
    child = spawnServer(cluster, port, log.fd);
  } finally {
    // The child has its own.
    await log.close();
  }

  const exited = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(`it ended with ${signal ?? `exit code ${code}`}`));
    child.once('error', (error) => resolve(messageOf(error)));
  });

  for (;;) {
    const postmaster = await findPostmaster(cluster.clusterDir);
    if (child.pid !== undefined && postmaster?.pid === child.pid && postmaster.status === 'ready') {
      const { pid } = child;
      return { server: { pid, port, signal: (signal) => child.kill(signal), waitForExit: () => exited } };
    }
    const ended = await Promise.race([sleep(10), exited]);
    if (ended !== undefined) return { failure: (await readLog(cluster.logFile, logStart)) || ended };
  }
}

function spawnServer(cluster: Cluster, port: number, logFd: number): ChildProcess {
  const [program = '', ...args] = [
    ...cluster.runner.prefix,
    cluster.postgres,
    '-D',
    cluster.clusterDir,
    '-p',
    String(port),
    ...Object.entries({ ...settings, 'signalbox.owner_pid': String(process.pid) }).flatMap(([name, value]) => [
      '-c',
      `${name}=${value}`,
    ]),
  ];
  return spawn(program, args, {
    stdio: ['ignore', logFd, logFd],
    env: programEnvironment,
    cwd: '/',
    // A process group of its own: Ctrl-C in a terminal goes to a whole group, and the database must outlive the
    // services that are draining into it.
    detached: true,
  });
}

/** A server that an earlier process left running. */
export function adoptServer(cluster: Cluster, pid: number, port: number): Server {
  return {
    pid,
    port,
    signal(signal) {
      if (isAlive(pid)) process.kill(pid, signal);
    },
    async waitForExit() {
      while (await isPostmasterOf(pid, cluster.clusterDir)) await sleep(50);
    },
  };
}

/**
 * Fast shutdown: connections are closed, everything is written out. After 10 s an immediate one (recovered at the next
 * start).
 */
export async function stopServer(server: Server, log: Logger): Promise<void> {
  server.signal('SIGINT');
  const patience = new AbortController();
  const timely = await Promise.race([
    server.waitForExit().then(() => true),
    sleep(fastShutdownMs, patience.signal).then(() => false),
  ]);
  patience.abort();
  if (timely) return;
  log.warn({ pid: server.pid }, 'embedded PostgreSQL takes too long to stop; stopping it at once');
  server.signal('SIGQUIT');
  await server.waitForExit();
}

/** The last port when it is free, so that connection strings that people wrote down go on working; else any other. */
export async function choosePort(clusterDir: string): Promise<number> {
  const last = await findLastPort(clusterDir);
  if (last !== undefined && (await isFree(last))) return last;
  for (let attempt = 0; attempt < 50; attempt += 1) {
    // Below the range from which systems take ports for outgoing connections: one of those could otherwise sit on the
    // port while the server restarts.
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    if (await isFree(port)) return port;
  }
  throw new Error('found no free port for embedded PostgreSQL between 20000 and 29999');
}

async function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => resolve(true)));
  });
}

async function shortenLog(file: string): Promise<void> {
  const size = await stat(file).then(
    (found) => found.size,
    () => 0,
  );
  if (size > maxLogBytes) await truncate(file);
}

/** The last lines that were written after `start`, as one line. */
async function readLog(file: string, start: number): Promise<string> {
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    const from = Math.max(start, size - 4096);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4096), 0, 4096, from);
    const lines = buffer.toString('utf8', 0, bytesRead).trim().split('\n').slice(-5);
    return lines.map((line) => line.replace(/^\S+ \S+ \S+ \[\d+\] /, '')).join('; ');
  } finally {
    await handle.close();
  }
}
