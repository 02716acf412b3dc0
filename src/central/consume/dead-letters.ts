import type { Author } from '../../contracts/audit.ts';
import { decisionsChannel } from '../../contracts/event.ts';
import { SignalboxError } from '../../platform/core/errors.ts';
import { notify } from '../../platform/postgres/notify.ts';
import { type Pool, type PoolClient, withTransaction } from '../../platform/postgres/pool.ts';
import { appendAudit } from '../../platform/store/audit-log.ts';
import {
  countDeadLetters,
  deleteDeadLetters,
  type DeadLetterSelection,
  listDeadLetters,
  replayDeadLetters,
} from '../../platform/store/dead-letters.ts';

/** Which dead letters: these, or all that there were when `upTo` was the newest. */
export type Chosen = { ids: readonly string[] } | { all: true; upTo: string | undefined };

export interface Cleared {
  count: number;
  /** How many of the chosen ones are left for the next call. */
  left: number;
  /** The newest of the chosen ones, for the next call; null where there are none. */
  upTo: string | null;
}

/** Letters that one transaction takes at most, so that none is long. */
const batchLimit = 1000;
/** Ids that the audit log names of one call; it tells their number too. */
const mostNamed = 20;

/**
 * Gives events back to the queue. Those that fail again are new letters, newer than `upTo`: whoever goes on with `upTo`
 * until nothing is left replays each once.
 *
 * Throws `not_found`, with nothing changed, where one of the ids is no letter's.
 */
export function replay(pool: Pool, chosen: Chosen, author: Author): Promise<Cleared> {
  return withTransaction(pool, async (db) => {
    const cleared = await clear(db, chosen, (selection) => replayDeadLetters(db, selection));
    if (cleared.count > 0) await notify(db, decisionsChannel, '');
    await audit(db, 'dead_letters.replay', chosen, cleared, author);
    return cleared;
  });
}

/** Deletes events for good. Throws as `replay` does. */
export function discard(pool: Pool, chosen: Chosen, author: Author): Promise<Cleared> {
  return withTransaction(pool, async (db) => {
    const cleared = await clear(db, chosen, (selection) => deleteDeadLetters(db, selection));
    await audit(db, 'dead_letters.discard', chosen, cleared, author);
    return cleared;
  });
}

async function audit(db: PoolClient, action: string, chosen: Chosen, { count, upTo }: Cleared, author: Author) {
  if (count === 0) return;
  const object = 'ids' in chosen ? chosen.ids.slice(0, mostNamed).join(',') : `up to ${upTo ?? ''}`;
  await appendAudit(db, { service: 'central', author, action, object, after: { count } });
}

async function clear(
  db: PoolClient,
  chosen: Chosen,
  take: (selection: DeadLetterSelection) => Promise<number>,
): Promise<Cleared> {
  if ('ids' in chosen) {
    const ids = [...new Set(chosen.ids)];
    const count = await take({ ids });
    if (count < ids.length) {
      const missing = ids.length - count;
      throw new SignalboxError(
        'not_found',
        ids.length === 1
          ? `no dead letter ${ids[0] ?? ''}`
          : `${missing} of the ${ids.length} ids are no dead letter's`,
        { param: 'ids' },
      );
    }
    return { count, left: 0, upTo: null };
  }
  const upTo = chosen.upTo ?? (await listDeadLetters(db, { before: undefined, limit: 1 }))[0]?.id ?? null;
  if (upTo === null) return { count: 0, left: 0, upTo };
  const count = await take({ upTo, limit: batchLimit });
  return { count, left: await countDeadLetters(db, upTo), upTo };
}
