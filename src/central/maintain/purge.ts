import { sleep } from '../../platform/core/clock.ts';
import { dropQueue } from '../../platform/postgres/pgmq.ts';
import { type Pool, withTransaction } from '../../platform/postgres/pool.ts';
import { appendAudit } from '../../platform/store/audit-log.ts';
import {
  countPurgeable,
  dropPart,
  findInstanceQueue,
  listPurgeParts,
  purgeBlocks,
  type PurgePart,
  type PurgeScope,
} from '../../platform/store/purge.ts';

export interface PurgedTable {
  table: string;
  /** How many rows there were to delete. */
  rows: number;
  /** How many of them were deleted; 0 where it was only looked. */
  deleted: number;
}

export interface PurgeProgress {
  table: string;
  /** Of all that is to be read, in [0, 1]. */
  share: number;
}

/** 8 MiB: one statement reads them in a moment, and holds what it deletes for no longer. */
const blocksAtOnce = 1000;
/** Rows that move while a table is read may be missed, and those that somebody changes are left out; they get these chances. */
const passes = 5;
const passPauseMs = 200;
const lockPatienceMs = 500;
const lockAttempts = 20;

/** What a purge would delete, by table. Changes nothing. */
export async function surveyPurge(pool: Pool, scope: PurgeScope): Promise<PurgedTable[]> {
  const tables = new Map<string, PurgedTable>();
  for (const part of await listPurgeParts(pool, scope)) {
    const table = tableOf(tables, part);
    table.rows += await countPurgeable(pool, part);
  }
  return [...tables.values()];
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
  const parts = await listPurgeParts(pool, scope);
  const blocks = Math.max(
    1,
    parts.reduce((sum, part) => sum + part.blocks, 0),
  );
  const tables = new Map<string, PurgedTable>();
  await appendAudit(pool, {
    service: 'central',
    author: { credential: 'database', key_id: null, key_name: null, told_name: toldName, address: null },
    action: 'purge.run',
    object: 'before' in scope ? scope.before.toISOString() : 'keyId' in scope ? scope.keyId : scope.instanceId,
  });
  // Before its row is gone, which knows the name.
  const queue = 'instanceId' in scope ? await findInstanceQueue(pool, scope.instanceId) : undefined;
  if (queue !== undefined) await dropQueue(pool, queue);
  let blocksBefore = 0;
  for (const part of parts) {
    const table = tableOf(tables, part);
    const rows = await countPurgeable(pool, part);
    const share = (block: number): number => (blocksBefore + Math.min(block, part.blocks)) / blocks;
    const deleted = part.whole
      ? await dropDay(pool, part, rows)
      : await deleteRows(pool, part, rows, (block) => onProgress({ table: part.name, share: share(block) }));
    table.rows += rows;
    table.deleted += deleted;
    blocksBefore += part.blocks;
    onProgress({ table: part.name, share: share(0) });
  }
  return [...tables.values()];
}

function tableOf(tables: Map<string, PurgedTable>, { name }: PurgePart): PurgedTable {
  const known = tables.get(name) ?? { table: name, rows: 0, deleted: 0 };
  tables.set(name, known);
  return known;
}

async function deleteRows(
  pool: Pool,
  part: PurgePart,
  rows: number,
  onBlock: (block: number) => void,
): Promise<number> {
  let deleted = 0;
  for (let pass = 0; pass < passes && deleted < rows; pass += 1) {
    if (pass > 0) await sleep(passPauseMs);
    for (let block = 0; block < part.blocks; block += blocksAtOnce) {
      deleted += await purgeBlocks(pool, part, block, blocksAtOnce);
      onBlock(block + blocksAtOnce);
    }
  }
  return deleted;
}

/** As often as somebody else is at the table: each time everybody waits for a moment only. */
async function dropDay(pool: Pool, part: PurgePart, rows: number): Promise<number> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await withTransaction(pool, (client) => dropPart(client, part, lockPatienceMs));
      return rows;
    } catch (error) {
      if (!isLocked(error) || attempt === lockAttempts) throw error;
      await sleep(passPauseMs);
    }
  }
}

function isLocked(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '55P03';
}
