import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, link, lstat, mkdir, mkdtemp, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { messageOf, StartupError } from '../core/errors.ts';
import { findBinaries, type PostgresBinaries } from './embedded-binaries.ts';
import { chooseRunner, programEnvironment, type Runner } from './embedded-runner.ts';

/** A database cluster on disk, and what is needed to start a server on it. */
export interface Cluster {
  /** Absolute; holds everything below. */
  dataDir: string;
  /** PostgreSQL's own data directory. */
  clusterDir: string;
  /** The server's own log. */
  logFile: string;
  /** The server's binary. */
  postgres: string;
  runner: Runner;
  /** Of the superuser `signalbox`. */
  password: string;
}

const newClusterPrefix = 'postgres-new-';

/**
 * Finds the cluster in `<dataDir>/postgres`, or makes it. Safe against other processes that do the same at the same
 * time and against being killed at any point: a cluster appears whole, by a rename, or not at all.
 *
 * Throws a StartupError where that is not possible.
 */
export async function prepareCluster(directory: string, binaries?: PostgresBinaries): Promise<Cluster> {
  const dataDir = path.resolve(directory);
  const clusterDir = path.join(dataDir, 'postgres');
  await mkdir(dataDir, { recursive: true }).catch((error: unknown) => {
    throw new StartupError(`cannot make the data directory: ${messageOf(error)}`, { cause: error });
  });
  const { initdb, postgres } = binaries ?? (await findBinaries());
  const runner = await chooseRunner({ postgres, dataDir, clusterDir });
  const password = await findPassword(dataDir, clusterDir);
  if (!(await exists(clusterDir))) await initialise(dataDir, clusterDir, initdb, runner);
  return { dataDir, clusterDir, logFile: path.join(dataDir, 'postgres.log'), postgres, runner, password };
}

/** Removes what killed processes left half made. Only for the one that holds the data directory. */
export async function removeUnfinishedClusters(dataDir: string): Promise<void> {
  for (const name of await readdir(dataDir)) {
    if (name.startsWith(newClusterPrefix)) await removeFolder(path.join(dataDir, name));
  }
}

/** Another process may still be making, or removing, what is in it: what is left then, the next start removes. */
async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }).catch(() => undefined);
}

/** Gives the cluster's files to the user that the server will run as. Only while no server runs on them. */
export async function giveToOwner(folder: string, owner: Runner['owner']): Promise<void> {
  if (owner === undefined || (await lstat(folder)).uid === owner.uid) return;
  for (const entry of await readdir(folder, { recursive: true })) {
    await chown(path.join(folder, entry), owner.uid, owner.gid);
  }
  // The folder last: it tells whether the work is complete.
  await chown(folder, owner.uid, owner.gid);
}

async function initialise(dataDir: string, clusterDir: string, initdb: string, runner: Runner): Promise<void> {
  const folder = await mkdtemp(path.join(dataDir, newClusterPrefix));
  try {
    await giveToOwner(folder, runner.owner);
    const [program, ...args] = [
      ...runner.prefix,
      initdb,
      `--pgdata=${folder}`,
      '--username=signalbox',
      `--pwfile=${passwordFile(dataDir)}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
      '--no-instructions',
    ];
    await promisify(execFile)(program, args, { env: programEnvironment, cwd: '/' });
    await rename(folder, clusterDir);
    await flushFolder(dataDir);
  } catch (error) {
    await removeFolder(folder);
    // Another process was quicker; its cluster has the same password.
    if (await exists(clusterDir)) return;
    throw new StartupError(`cannot make a database in ${dataDir}: ${lastWords(error)}`, { cause: error });
  }
}

/**
 * The superuser's password, made on first use. It is linked into place, so that all processes that start on an empty
 * directory at the same moment agree on one.
 */
async function findPassword(dataDir: string, clusterDir: string): Promise<string> {
  const file = passwordFile(dataDir);
  if (!(await exists(file))) {
    if (await exists(clusterDir)) throw new StartupError(`the password of the database is missing: ${file}`);
    const draft = `${file}-${randomBytes(8).toString('hex')}`;
    await writeFile(draft, `${randomBytes(24).toString('base64url')}\n`, { mode: 0o600, flag: 'wx', flush: true });
    try {
      await link(draft, file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    } finally {
      await rm(draft, { force: true });
    }
  }
  return (await readFile(file, 'utf8')).trim();
}

function passwordFile(dataDir: string): string {
  return path.join(dataDir, 'postgres-password');
}

async function flushFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function exists(file: string): Promise<boolean> {
  return lstat(file).then(
    () => true,
    () => false,
  );
}

/** What a failed program said last, in one line. */
function lastWords(error: unknown): string {
  const stderr = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
  return stderr === '' ? messageOf(error) : stderr.split('\n').slice(-3).join('; ');
}
