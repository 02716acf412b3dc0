import { Client } from 'pg';
import { sleep } from '../core/clock.ts';
import { StartupError } from '../core/errors.ts';
import { isAlive } from './postmaster.ts';

/** Held for the life of an instance, on a connection of its own. */
export interface InstanceLock {
  /** Resolves when the connection, and the lock with it, is gone. */
  lost: Promise<void>;
}

export interface InstanceLockOptions {
  /** To the maintenance database: advisory locks count within one database. */
  connectionString: string;
  dataDir: string;
  /** Whether another process started the server. */
  adopted: boolean;
}

/** The bytes of `sgnl`, and 1 for the data directory. */
const lockKey = [0x73676e6c, 1] as const;

/** How long a process that started the server has until it must hold the lock. */
const headStartMs = 5_000;
/** How long the server may take to notice that a holder has died. */
const deadHolderMs = 10_000;

interface LockState {
  holder: string | null;
  owner_pid: string | null;
}

/**
 * Takes the lock that makes this process the only one on the data directory. Whoever started the server goes first, so
 * that of two processes that start at the same moment the one whose child the server is wins.
 *
 * Throws a StartupError when another process has the directory, and the driver's error when the server goes away.
 */
export async function takeInstanceLock(options: InstanceLockOptions): Promise<InstanceLock> {
  const client = new Client({
    connectionString: options.connectionString,
    application_name: `signalbox pid ${process.pid}`,
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
  });
  let lastError: Error | undefined;
  client.on('error', (error) => {
    lastError = error;
  });
  const lost = new Promise<void>((resolve) => {
    client.on('end', () => resolve());
  });
  try {
    await client.connect();
    await waitForLock(client, options);
    // A server whose parent has just died may be about to stop: better noticed now than by the first users of it.
    if (options.adopted) {
      await sleep(250);
      await client.query('select 1');
    }
    return { lost };
  } catch (error) {
    await client.end();
    throw lastError ?? error;
  }
}

async function waitForLock(client: Client, options: InstanceLockOptions): Promise<void> {
  const startedAt = performance.now();
  for (;;) {
    const waitedMs = performance.now() - startedAt;
    const { holder, ownerPid } = await readState(client);
    if (holder !== undefined) {
      if (isAlive(holder) || waitedMs > deadHolderMs) throw inUse(options.dataDir, holder);
    } else if (!(options.adopted && isAnotherProcess(ownerPid)) || waitedMs > headStartMs) {
      const { rows } = await client.query<{ locked: boolean }>('select pg_try_advisory_lock($1, $2) as locked', [
        ...lockKey,
      ]);
      if (rows[0]?.locked === true) return;
    }
    await sleep(50);
  }
}

/** An owner with this process's own id is one that died: in containers the same ids come again. */
function isAnotherProcess(pid: number | undefined): boolean {
  return pid !== undefined && pid !== process.pid && isAlive(pid);
}

async function readState(client: Client): Promise<{ holder: number | undefined; ownerPid: number | undefined }> {
  const { rows } = await client.query<LockState>(
    `select
       current_setting('signalbox.owner_pid', true) as owner_pid,
       (
         select activity.application_name
         from pg_locks locks
         join pg_stat_activity activity on activity.pid = locks.pid
         where locks.locktype = 'advisory' and locks.granted and locks.objsubid = 2
           and locks.classid = $1::integer::oid and locks.objid = $2::integer::oid
         limit 1
       ) as holder`,
    [...lockKey],
  );
  const { holder = null, owner_pid: ownerPid = null } = rows[0] ?? {};
  return {
    holder: holder === null ? undefined : Number(/\d+$/.exec(holder)?.[0] ?? 0),
    ownerPid: ownerPid === null ? undefined : Number(ownerPid),
  };
}

function inUse(dataDir: string, pid: number): StartupError {
  return new StartupError(
    `the data directory ${dataDir} is in use by another Signalbox (pid ${pid}); ` +
      'stop it, or choose another with --data-dir',
  );
}
