import type { ServiceName } from '../../contracts/api.ts';
import type { AuditEntry, Author } from '../../contracts/audit.ts';
import type { Executor } from '../postgres/pool.ts';

/** What is told of a change. Neither `before` nor `after` may hold a secret. */
export interface AuditRecord {
  /** When it was done; left out: now. */
  at?: Date;
  service: ServiceName;
  author: Author;
  /** A stable name, such as `key.create`. */
  action: string;
  /** What it was done to: an id or a name. */
  object: string;
  /** JSON; left out where there is nothing to tell. */
  before?: unknown;
  after?: unknown;
  /** Default: `done`. */
  outcome?: AuditEntry['outcome'];
}

/** Adds a row. `db` is the transaction of the change, so that neither is there without the other. */
export async function appendAudit(db: Executor, record: AuditRecord): Promise<void> {
  const { at, service, author, action, object, before = null, after = null, outcome = 'done' } = record;
  await db.query(
    `insert into audit_log (at, service, credential, key_id, key_name, told_name, address, action, object, before, after, outcome)
     values (coalesce($12, clock_timestamp()), $1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb, $10::jsonb, $11)`,
    [
      service,
      author.credential,
      author.key_id,
      author.key_name,
      author.told_name,
      author.address,
      action,
      object,
      before === null ? null : JSON.stringify(before),
      after === null ? null : JSON.stringify(after),
      outcome,
      at ?? null,
    ],
  );
}

export interface AuditFilter {
  /** An action, or the group before its dot: `key` for all of keys. */
  action?: string | undefined;
  object?: string | undefined;
  /** ISO 8601, the first included and the second not. */
  since?: string | undefined;
  until?: string | undefined;
  /** Only rows with a smaller number. */
  before?: string | undefined;
}

/** The newest first; at most `limit`. */
export async function listAudit(db: Executor, filter: AuditFilter, limit: number): Promise<AuditEntry[]> {
  const { rows } = await db.query<Omit<AuditEntry, 'at' | 'author'> & Author & { at: Date }>(
    `select seq::text, at, service, credential, key_id, key_name, told_name, address, action, object, before, after, outcome
     from audit_log
     where ($1::text is null or action = $1 or starts_with(action, $1 || '.'))
       and ($2::text is null or object = $2)
       and ($3::timestamptz is null or at >= $3) and ($4::timestamptz is null or at < $4)
       and ($5::bigint is null or seq < $5)
     order by audit_log.seq desc limit $6`,
    [filter.action, filter.object, filter.since, filter.until, filter.before, limit],
  );
  return rows.map(({ at, credential, key_id, key_name, told_name, address, ...rest }) => ({
    ...rest,
    at: at.toISOString(),
    author: { credential, key_id, key_name, told_name, address },
  }));
}

/** Removes rows older than so many days, 30 at the least; the oldest, at most `limit`. Returns how many. */
export async function pruneAudit(db: Executor, days: number, limit: number): Promise<number> {
  const { rows } = await db.query<{ pruned: string }>('select prune_audit_log($1, $2) as pruned', [days, limit]);
  return Number(rows[0]?.pruned ?? 0);
}
