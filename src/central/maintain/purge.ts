import { sleep } from '../../platform/core/clock.ts';
import { SignalboxError } from '../../platform/core/errors.ts';
import { dropQueue } from '../../platform/postgres/pgmq.ts';
import { type Pool, withTransaction } from '../../platform/postgres/pool.ts';
import { appendAudit } from '../../platform/store/audit-log.ts';
import {
  countPurgeable,
  dropPart,
  findInstanceQueue,
  findPurgeObjection,
  listPurgeParts,
  measureBlocks,
  purgeBlocks,
  type PurgePart,
  type PurgeScope,
} from '../../platform/store/purge.ts';

export interface PurgedTable {
  table: string;
  /** How many rows there were to delete. */
  rows: number;
  /** How many were deleted; 0 where it was only looked. */
  deleted: number;
  /** How many there are still. */
  left: number;
}

export interface PurgeProgress {
  table: string;
  /** Of all that is to be read, in [0, 1]. */
  share: number;
}

/** 8 MiB: one statement reads them in a moment, and holds what it deletes for no longer. */
const blocksAtOnce = 1000;
/** Rows that move while a table is read may be missed, and those that somebody changes are left out: then it is read again. */
const passes = 5;
const passPauseMs = 200;
const lockPatienceMs = 500;
const lockAttempts = 20;

/**
 * What a purge would delete, by table. Changes nothing.
 *
 * Both throw a SignalboxError: `conflict` for an instance that runs or a key that is in use, `not_found` for one that there
 * is not and that nothing names.
 */
export async function surveyPurge(pool: Pool, scope: PurgeScope): Promise<PurgedTable[]> {
  return toTables((await countParts(pool, scope)).map(({ part, rows }) => ({ part, rows, deleted: 0, left: rows })));
}

/**
 * Deletes what a scope names, in many small transactions beside everybody who works with the same tables. One that was
 * interrupted is gone on with by the next. `toldName`: who asked for it, for the audit log, where it stands before anything
 * is gone.
 */
export async function purge(
  pool: Pool,
  scope: PurgeScope,
  toldName: string | null,
  onProgress: (progress: PurgeProgress) => void = () => undefined,
): Promise<PurgedTable[]> {
  const counted = await countParts(pool, scope);
  const blocks = Math.max(
    1,
    counted.reduce((sum, { part }) => sum + part.blocks, 0),
  );
  await appendAudit(pool, {
    service: 'central',
    author: { credential: 'database', key_id: null, key_name: null, told_name: toldName, address: null },
    action: 'purge.run',
    object: nameOf(scope),
  });
  // Before its row is gone, which knows the name.
  const queue = 'instanceId' in scope ? await findInstanceQueue(pool, scope.instanceId) : undefined;
  if (queue !== undefined) await dropQueue(pool, queue);
  const purged: PurgedPart[] = [];
  let blocksBefore = 0;
  for (const { part, rows } of counted) {
    const share = (block: number): number => (blocksBefore + Math.min(block, part.blocks)) / blocks;
    const done = part.whole
      ? await dropDay(pool, part, rows)
      : await deleteRows(pool, part, rows, (block) => onProgress({ table: part.name, share: share(block) }));
    purged.push({ part, rows, ...done });
    blocksBefore += part.blocks;
    onProgress({ table: part.name, share: share(0) });
  }
  return toTables(purged);
}

interface CountedPart {
  part: PurgePart;
  rows: number;
}

interface PurgedPart extends CountedPart {
  deleted: number;
  left: number;
}

async function countParts(pool: Pool, scope: PurgeScope): Promise<CountedPart[]> {
  const objection = await findPurgeObjection(pool, scope);
  if (objection !== undefined) throw new SignalboxError('conflict', objection);
  const counted: CountedPart[] = [];
  for (const part of await listPurgeParts(pool, scope)) counted.push({ part, rows: await countPurgeable(pool, part) });
  if (!('before' in scope) && counted.every(({ rows }) => rows === 0)) {
    const kind = 'keyId' in scope ? 'key' : 'instance';
    throw new SignalboxError('not_found', `no ${kind} ${nameOf(scope)}, and nothing that names it`);
  }
  return counted;
}

function nameOf(scope: PurgeScope): string {
  if ('before' in scope) return scope.before.toISOString();
  return 'keyId' in scope ? scope.keyId : scope.instanceId;
}

/** The parts of a table together. */
function toTables(parts: readonly PurgedPart[]): PurgedTable[] {
  const tables = new Map<string, PurgedTable>();
  for (const { part, rows, deleted, left } of parts) {
    const sum = tables.get(part.name) ?? { table: part.name, rows: 0, deleted: 0, left: 0 };
    tables.set(part.name, {
      table: part.name,
      rows: sum.rows + rows,
      deleted: sum.deleted + deleted,
      left: sum.left + left,
    });
  }
  return [...tables.values()];
}

type Done = Pick<PurgedPart, 'deleted' | 'left'>;

/**
 * Reads the table as it is at each pass, since a row that is changed may move behind its end. What comes in meanwhile goes
 * too, or is left.
 */
async function deleteRows(pool: Pool, part: PurgePart, rows: number, onBlock: (block: number) => void): Promise<Done> {
  let deleted = 0;
  let left = rows;
  for (let pass = 0; pass < passes && left > 0; pass += 1) {
    if (pass > 0) await sleep(passPauseMs);
    const blocks = await measureBlocks(pool, part);
    for (let block = 0; block < blocks; block += blocksAtOnce) {
      deleted += await purgeBlocks(pool, part, block, blocksAtOnce);
      if (pass === 0) onBlock(block + blocksAtOnce);
    }
    left = await countPurgeable(pool, part);
  }
  return { deleted, left };
}

/** As often as somebody else is at the table: each time everybody waits for a moment only. */
async function dropDay(pool: Pool, part: PurgePart, rows: number): Promise<Done> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await withTransaction(pool, (client) => dropPart(client, part, lockPatienceMs));
      return { deleted: rows, left: 0 };
    } catch (error) {
      if (!isLocked(error) || attempt === lockAttempts) throw error;
      await sleep(passPauseMs);
    }
  }
}

function isLocked(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '55P03';
}
