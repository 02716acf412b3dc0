import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { promisify } from 'node:util';
import { StartupError } from '../core/errors.ts';

const run = promisify(execFile);

/** How PostgreSQL's programs are started on this machine, for this user. */
export interface Runner {
  /** Program and arguments that come before those of the binary itself; may be empty. */
  prefix: readonly string[];
  /** Whom the cluster's files must belong to, where that is not the user of this process. */
  owner?: { uid: number; gid: number };
}

/**
 * The environment of PostgreSQL's programs. Not this process's own, which may hold the providers' keys; the search
 * path is for `setpriv`, `unshare` and the shell that initdb uses.
 */
export const programEnvironment = {
  LC_ALL: 'C',
  PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin:/run/current-system/sw/bin',
};

/** Makes the kernel shut the server down (SIGINT: fast shutdown) when this process dies, even by SIGKILL. */
const dieWithParent = ['setpriv', '--pdeathsig=INT'];

/** The overflow user, which exists on every Linux and owns nothing. */
const nobody = { uid: 65534, gid: 65534 };

export interface RunnerOptions {
  postgres: string;
  dataDir: string;
  clusterDir: string;
}

/**
 * Chooses how to start PostgreSQL, which refuses to run as root. As root on Linux there are two ways:
 *
 * - in a user namespace without a mapping: the server sees itself as nobody, while the files stay root's;
 * - as another user (the owner of the cluster, else nobody), keeping only the capability to pass through folders that
 *   are closed to that user. For machines without user namespaces, such as most containers.
 *
 * An existing cluster decides, so that it is not given to another owner on each start. Throws a StartupError where none
 * works or the cluster belongs to somebody else.
 */
export async function chooseRunner(options: RunnerOptions): Promise<Runner> {
  const uid = process.geteuid?.();
  const cluster = await stat(options.clusterDir).catch(() => undefined);

  if (uid !== 0) {
    if (cluster !== undefined && cluster.uid !== uid) {
      throw new StartupError(
        `the database in ${options.clusterDir} belongs to another user (uid ${cluster.uid}); ` +
          'run as that user, or choose another directory with --data-dir',
      );
    }
    // initdb wants the user to have a name, which users of containers often lack; in a namespace the user is nobody.
    const inNamespace = ['unshare', '-U', ...dieWithParent];
    if (!hasName() && (await works([...inNamespace, 'true']))) return { prefix: inNamespace };
    return { prefix: (await works([...dieWithParent, 'true'])) ? dieWithParent : [] };
  }

  if (cluster === undefined || cluster.uid === 0) {
    const prefix = ['unshare', '-U', ...dieWithParent];
    // In that namespace root's powers over files are gone; a checkout of another user may be out of reach.
    const reachable = 'test -w "$0" && exec "$1" --version';
    if (await works([...prefix, 'sh', '-c', reachable, options.dataDir, options.postgres])) return { prefix };
  }

  const owner = cluster === undefined || cluster.uid === 0 ? nobody : { uid: cluster.uid, gid: cluster.gid };
  const prefix = asOtherUser(owner);
  if (await works([...prefix, options.postgres, '--version'])) return { prefix, owner };

  throw new StartupError(
    'PostgreSQL refuses to run as root, and neither unshare nor setpriv can start it as another user here; ' +
      'run Signalbox as an ordinary user, or set DATABASE_URL',
  );
}

function asOtherUser({ uid, gid }: { uid: number; gid: number }): string[] {
  const onlyPassThrough = '-all,+dac_override';
  return [
    'setpriv',
    `--reuid=${uid}`,
    `--regid=${gid}`,
    '--clear-groups',
    '--securebits=+no_setuid_fixup',
    `--inh-caps=${onlyPassThrough}`,
    `--ambient-caps=${onlyPassThrough}`,
    `--bounding-set=${onlyPassThrough}`,
    '--pdeathsig=INT',
  ];
}

function hasName(): boolean {
  try {
    return userInfo().username !== '';
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_SYSTEM_ERROR') return false;
    throw error;
  }
}

async function works(command: readonly string[]): Promise<boolean> {
  const [program = '', ...args] = command;
  return run(program, args, { env: programEnvironment, cwd: '/', timeout: 10_000 }).then(
    () => true,
    () => false,
  );
}
