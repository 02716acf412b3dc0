import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import path from 'node:path';
import { uuidv7 } from '../../platform/core/ids.ts';
import { identifyThisProcess, isRunning, type ProcessIdentity } from './process-identity.ts';

/**
 * The folders that outboxes lie in, each held by one process. The holder is part of the folder's name, so that a rename
 * takes over, for one process alone however many try.
 */
export interface OutboxFolders {
  /** Makes a folder that this process holds. A journal's is taken over after all outboxes: what is in it is newer. */
  create(kind: 'outbox' | 'journal'): Promise<string>;
  /** Takes over what dead processes left; oldest first. */
  claimAbandoned(): AsyncIterable<string>;
  /** Tells processes that cannot see this one that it lives; to be done every few seconds. False: the folder is gone. */
  keep(folder: string): Promise<boolean>;
  /** Leaves a folder to whoever comes next. */
  release(folder: string): Promise<void>;
  remove(folder: string): Promise<void>;
}

export interface OutboxFoldersOptions {
  dataDir: string;
  instanceId: string;
  /** Events go back to the database that they were meant for: folders of another one are left alone. */
  connectionString: string;
}

/** After so long without a sign a process counts as dead, where it cannot be seen. */
const heartbeatLimitMs = 20_000;
/** Another instance's folder may be wanted by itself, so that its events stay in their order. */
const otherInstanceGraceMs = 60_000;
const nobody = 'free';

export function createOutboxFolders(options: OutboxFoldersOptions): OutboxFolders {
  const root = path.join(options.dataDir, 'outbox');
  const instance = fileSafe(options.instanceId);
  const database = shortHash(databaseOf(options.connectionString));
  // One process may hold several outboxes, and each must see that another has taken its folder.
  const mark = randomBytes(4).toString('hex');
  let identity: Promise<ProcessIdentity> | undefined;
  const self = (): Promise<ProcessIdentity> => (identity ??= identifyThisProcess());

  async function isAbandoned(folder: string, owner: FolderName): Promise<boolean> {
    const ageMs = Date.now() - (await stat(folder)).mtimeMs;
    if (owner.instance !== instance && ageMs <= otherInstanceGraceMs) return false;
    const holder = parseHolder(owner.holder);
    if (holder === undefined) return owner.holder === nobody;
    return !((await isRunning(holder, await self())) ?? ageMs <= heartbeatLimitMs);
  }

  /** Undefined when it is not to be had, or another process was quicker. */
  async function claim(owner: FolderName): Promise<string | undefined> {
    if (owner.database !== database) return undefined;
    const folder = path.join(root, nameOf(owner));
    try {
      if (!(await isAbandoned(folder, owner))) return undefined;
      const mine = path.join(root, nameOf({ ...owner, holder: holderName(await self(), mark) }));
      await rename(folder, mine);
      // The sign of its last holder is old: others would take it at once.
      await utimes(mine, new Date(), new Date());
      return mine;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  return {
    async create(kind) {
      await mkdir(root, { recursive: true, mode: 0o700 });
      const made = kind === 'journal' ? `journal-${uuidv7()}` : uuidv7();
      const name = nameOf({ instance, database, made, holder: holderName(await self(), mark) });
      const folder = path.join(root, name);
      await mkdir(folder, { mode: 0o700 });
      await syncFolder(root);
      return folder;
    },
    async *claimAbandoned() {
      const names = await readdir(root).catch((error: unknown) => {
        if (isMissing(error)) return [];
        throw error;
      });
      const found = names.flatMap((name) => parseName(name) ?? []);
      found.sort((one, other) => (one.made < other.made ? -1 : 1));
      for (const name of found) {
        const folder = await claim(name);
        if (folder !== undefined) yield folder;
      }
    },
    async keep(folder) {
      try {
        await utimes(folder, new Date(), new Date());
        return true;
      } catch (error) {
        if (isMissing(error)) return false;
        throw error;
      }
    },
    async release(folder) {
      const owner = parseName(path.basename(folder));
      if (owner === undefined) return;
      await utimes(folder, new Date(), new Date());
      await rename(folder, path.join(root, nameOf({ ...owner, holder: nobody })));
    },
    remove: (folder) => rm(folder, { recursive: true, force: true }),
  };
}

/** Makes the names in a folder outlast a loss of power. */
export async function syncFolder(folder: string): Promise<void> {
  // Windows opens no folders.
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

interface FolderName {
  instance: string;
  database: string;
  /** Sorts in the order in which they are taken over: a UUID of version 7, and those of journals behind all others. */
  made: string;
  holder: string;
}

function nameOf({ instance, database, made, holder }: FolderName): string {
  return [instance, database, made, holder].join('@');
}

function parseName(name: string): FolderName | undefined {
  const [instance, database, made, holder, ...rest] = name.split('@');
  if (instance === undefined || database === undefined || made === undefined || holder === undefined) return undefined;
  return rest.length === 0 ? { instance, database, made, holder } : undefined;
}

function holderName({ place, pid, startedAt }: ProcessIdentity, mark: string): string {
  return `${place}-${pid}-${startedAt}-${mark}`;
}

function parseHolder(text: string): ProcessIdentity | undefined {
  const [, place, pid, startedAt] = /^([0-9a-f]+)-(\d+)-(\d*)-[0-9a-f]+$/.exec(text) ?? [];
  if (place === undefined || pid === undefined || startedAt === undefined) return undefined;
  return { place, pid: Number(pid), startedAt };
}

/** A name that every file system takes; the hash keeps two ids apart that differ in what was replaced or cut. */
function fileSafe(id: string): string {
  const safe = id.replaceAll(/[^\w.-]/g, '_').slice(0, 80);
  return safe === id ? safe : `${safe}-${shortHash(id)}`;
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}

/** The name alone: after a failover the same database has another address. */
function databaseOf(connectionString: string): string {
  return /^[^:]+:\/\/[^/?]*\/([^?]*)/.exec(connectionString)?.[1] ?? '';
}
