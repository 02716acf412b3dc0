import path from 'node:path';
import { Client, escapeIdentifier } from 'pg';
import { sleep } from '../core/clock.ts';
import { messageOf, StartupError } from '../core/errors.ts';
import type { Logger } from '../telemetry/logger.ts';
import { type Cluster, prepareCluster, removeUnfinishedClusters } from './embedded-cluster.ts';
import { adoptServer, choosePort, launchServer, type Server, stopServer } from './embedded-server.ts';
import { type InstanceLock, takeInstanceLock } from './instance-lock.ts';
import { findPostmaster } from './postmaster.ts';
import { isUnavailable } from './retryable.ts';

export interface EmbeddedPostgresOptions {
  /** Such as `.signalbox`; made if it does not exist. The cluster lies in `<dataDir>/postgres`. */
  dataDir: string;
  log: Logger;
}

export interface EmbeddedPostgres {
  /** To the database `signalbox`, as a superuser, over 127.0.0.1; the same until `stop`. */
  connectionString: string;
  /** Whether the server was already running, left behind by a process that was killed. */
  adopted: boolean;
  /** Fast shutdown; resolves when the server is gone. */
  stop(): Promise<void>;
}

interface Occupied {
  server: Server;
  lock: InstanceLock;
  adopted: boolean;
}

const databaseName = 'signalbox';
/** How long a server that is stopping, or one whose processes linger after a kill, may stand in the way. */
const patienceMs = 60_000;

/**
 * Runs a real PostgreSQL on `<dataDir>/postgres` and holds that directory for this process alone. A server that ends
 * unasked is started again on its port.
 *
 * Throws a StartupError when the directory is in use by another Signalbox, or when PostgreSQL does not start, with what
 * it said.
 */
export async function startEmbeddedPostgres({ dataDir, log }: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const startedAt = performance.now();
  const stopping = new AbortController();
  const cluster = await prepareCluster(dataDir);
  let occupied = await occupy(cluster, log);
  const { port } = occupied.server;
  const { adopted } = occupied;
  try {
    await removeUnfinishedClusters(cluster.dataDir);
    await ensureDatabase(connectionStringOf(cluster, port, 'postgres'));
  } catch (error) {
    await stopServer(occupied.server, log);
    throw error;
  }
  log.info({ port, adopted, started_in_ms: Math.round(performance.now() - startedAt) }, 'embedded PostgreSQL is ready');

  const supervision = supervise();

  async function supervise(): Promise<void> {
    for (;;) {
      await occupied.lock.lost;
      if (stopping.signal.aborted) return;
      log.error({ port }, 'lost the connection that holds the data directory; taking it again');
      for (let attempt = 0; !stopping.signal.aborted; attempt += 1) {
        try {
          occupied = await occupy(cluster, log, { port, signal: stopping.signal });
          log.info({ port, adopted: occupied.adopted }, 'holding the data directory again');
          // Asked to stop meanwhile: `stop` has only seen the server before this one.
          if (stopping.signal.aborted) await stopServer(occupied.server, log);
          break;
        } catch (error) {
          log.error({ port, err: error }, 'cannot take the data directory again');
          await sleep(Math.min(10_000, 200 * 2 ** attempt), stopping.signal);
        }
      }
    }
  }

  async function stop(): Promise<void> {
    if (stopping.signal.aborted) return supervision;
    stopping.abort();
    await stopServer(occupied.server, log);
    await supervision;
    log.info({ port }, 'embedded PostgreSQL has stopped');
  }

  return { connectionString: connectionStringOf(cluster, port, databaseName), adopted, stop };
}

/**
 * Where the server on `<dataDir>/postgres` answers, whoever runs it; undefined where none is running.
 */
export async function findEmbeddedPostgres(dataDir: string): Promise<string | undefined> {
  const found = await findPostmaster(path.resolve(dataDir, 'postgres'));
  if (found?.status !== 'ready') return undefined;
  return connectionStringOf(await prepareCluster(dataDir), found.port, databaseName);
}

/** Gets a server on the cluster, started or found running, and the lock that keeps other instances away from it. */
async function occupy(cluster: Cluster, log: Logger, again?: { port: number; signal: AbortSignal }): Promise<Occupied> {
  const deadline = performance.now() + patienceMs;
  let waitingFor = '';
  while (performance.now() < deadline && again?.signal.aborted !== true) {
    const found = await findPostmaster(cluster.clusterDir);
    if (found !== undefined && found.status !== 'ready') {
      waitingFor = `another server on it is ${found.status} (pid ${found.pid})`;
      await sleep(50);
      continue;
    }
    const result =
      found === undefined
        ? await launchServer(cluster, again?.port ?? (await choosePort(cluster.clusterDir)))
        : { server: adoptServer(cluster, found.pid, found.port) };
    if ('failure' in result) {
      if (!isPassing(result.failure)) throw new StartupError(`PostgreSQL did not start: ${result.failure}`);
      waitingFor = result.failure;
      await sleep(200);
      continue;
    }
    const adopted = found !== undefined;
    const { server } = result;
    try {
      const connectionString = connectionStringOf(cluster, server.port, 'postgres');
      const lock = await takeInstanceLock({ connectionString, dataDir: cluster.dataDir, adopted });
      // Found running elsewhere: the connection strings that were given out must go on working.
      if (again !== undefined && server.port !== again.port) {
        await stopServer(server, log);
        continue;
      }
      return { server, lock, adopted };
    } catch (error) {
      if (!isUnavailable(error)) {
        if (!adopted) await stopServer(server, log);
        throw error instanceof StartupError ? error : new StartupError(messageOf(error), { cause: error });
      }
      waitingFor = messageOf(error);
      await sleep(50);
    }
  }
  throw new StartupError(`PostgreSQL did not start in ${cluster.dataDir}: ${waitingFor}`);
}

/** Whether a failed start may succeed in a moment: processes of a killed server linger, or another process was quicker. */
function isPassing(failure: string): boolean {
  return /pre-existing shared memory block|lock file ".*" already exists|could not bind|could not create any TCP/.test(
    failure,
  );
}

async function ensureDatabase(connectionString: string): Promise<void> {
  const client = new Client({ connectionString, connectionTimeoutMillis: 10_000 });
  try {
    await client.connect();
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [databaseName]);
    if (rowCount === 0) await client.query(`create database ${escapeIdentifier(databaseName)}`);
  } finally {
    await client.end();
  }
}

function connectionStringOf(cluster: Cluster, port: number, database: string): string {
  // `sslmode` is said, because the driver would else take it from the user's environment.
  return `postgres://signalbox:${cluster.password}@127.0.0.1:${port}/${database}?sslmode=disable`;
}
