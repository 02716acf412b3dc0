import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { messageOf, StartupError } from '../core/errors.ts';
import type { Logger } from '../telemetry/logger.ts';
import { installPgmq } from './pgmq-install.ts';
import { type Executor, type Pool, type PoolClient, withTransaction } from './pool.ts';
import { ensureQueues } from './queues.ts';

interface Migration {
  version: number;
  name: string;
  sql: string;
  checksum: string;
}

interface AppliedMigration {
  version: number;
  name: string;
  checksum: string;
}

export interface MigrateResult {
  /** Names of the migrations that this call applied, in order. */
  applied: string[];
  /** The newest version in the database. */
  version: number;
}

/** Three levels up both in `src/` and in `dist/`. */
const folder = new URL('../../../migrations/', import.meta.url);

/**
 * Brings the database up to date: pgmq, then each migration that is missing in a transaction of its own, then the
 * queues. Safe when several instances start at once, and does nothing when there is nothing to do. Needs nothing of a
 * session but transactions, so that it may be a pooler's.
 *
 * Throws a StartupError when a migration fails, or when one that was applied has been changed since. A database that is
 * newer than this code only draws a warning: versions run side by side during an upgrade.
 */
export async function migrate(pool: Pool, { log }: { log: Logger }): Promise<MigrateResult> {
  const known = await readMigrations();
  await oneAtATime(pool, async (client) => {
    const pgmq = await installPgmq(client);
    log.debug({ pgmq }, 'pgmq is there');
    await client.query(
      `create table if not exists signalbox_migrations (
         version integer primary key,
         name text not null,
         checksum text not null,
         applied_at timestamptz not null default now()
       )`,
    );
    checkApplied(known, await findApplied(client), log);
  });
  const applied: string[] = [];
  for (;;) {
    const { migration, version } = await oneAtATime(pool, (client) => applyNext(client, known));
    if (migration === undefined) return { applied, version };
    applied.push(migration.name);
    log.info({ migration: migration.name }, 'migrated');
  }
}

/** In a transaction that no other instance's migration runs beside. */
function oneAtATime<T>(pool: Pool, fn: (client: PoolClient) => Promise<T>): Promise<T> {
  return withTransaction(pool, async (client) => {
    // Another instance's migrations, for which this one waits, may take longer than a statement otherwise may.
    await client.query('set local statement_timeout = 0');
    await client.query("select pg_advisory_xact_lock(hashtextextended('signalbox:migrations', 0))");
    return fn(client);
  });
}

/** Applies the first that is missing, or makes the queues where none is. */
async function applyNext(
  client: PoolClient,
  known: readonly Migration[],
): Promise<{ migration?: Migration; version: number }> {
  const done = await findApplied(client);
  const [migration] = missing(known, done);
  if (migration !== undefined) {
    await apply(client, migration);
    return { migration, version: migration.version };
  }
  await ensureQueues(client);
  return { version: Math.max(0, ...done.map(({ version }) => version)) };
}

/** Names of the migrations that `migrate` would apply, in order. Changes nothing. */
export async function pendingMigrations(db: Executor): Promise<string[]> {
  const known = await readMigrations();
  const { rows } = await db.query<{ exists: boolean }>(
    "select to_regclass('signalbox_migrations') is not null as exists",
  );
  const done = rows[0]?.exists === true ? await findApplied(db) : [];
  return missing(known, done).map((migration) => migration.name);
}

async function readMigrations(): Promise<Migration[]> {
  const names = (await readdir(folder)).filter((name) => /^\d{6}_\w+\.sql$/.test(name)).sort();
  return Promise.all(
    names.map(async (file) => {
      // A checkout may have other line ends; the migration is the same.
      const sql = (await readFile(new URL(file, folder), 'utf8')).replaceAll('\r\n', '\n');
      const checksum = createHash('sha256').update(sql).digest('hex');
      return { version: Number(file.slice(0, 6)), name: file.replace(/\.sql$/, ''), sql, checksum };
    }),
  );
}

async function findApplied(db: Executor): Promise<AppliedMigration[]> {
  const { rows } = await db.query<AppliedMigration>(
    'select version, name, checksum from signalbox_migrations order by version',
  );
  return rows;
}

function missing(known: readonly Migration[], done: readonly AppliedMigration[]): Migration[] {
  const versions = new Set(done.map((migration) => migration.version));
  return known.filter((migration) => !versions.has(migration.version));
}

function checkApplied(known: readonly Migration[], done: readonly AppliedMigration[], log: Logger): void {
  const byVersion = new Map(known.map((migration) => [migration.version, migration]));
  for (const { version, name, checksum } of done) {
    const mine = byVersion.get(version);
    if (mine === undefined) {
      log.warn({ migration: name, newest_known: known.at(-1)?.name }, 'the database is newer than this Signalbox');
    } else if (mine.checksum !== checksum) {
      throw new StartupError(
        `migration ${mine.name} is not the one that was applied to this database (there it is ${name}); ` +
          'an applied migration must not change: install the matching version of Signalbox',
      );
    }
  }
}

async function apply(client: PoolClient, migration: Migration): Promise<void> {
  try {
    await client.query(migration.sql);
    await client.query('insert into signalbox_migrations (version, name, checksum) values ($1, $2, $3)', [
      migration.version,
      migration.name,
      migration.checksum,
    ]);
  } catch (error) {
    throw new StartupError(`migration ${migration.name} failed: ${messageOf(error)}`, { cause: error });
  }
}
