import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { parseTarGzip } from 'nanotar';
import { messageOf, StartupError } from '../core/errors.ts';
import type { Executor } from './pool.ts';

/** The release whose SQL is applied where the server has no extension. */
const packagedVersion = '1.11.1';

export interface PgmqInstallation {
  /** `sql`: applied by Signalbox from the npm package. `unknown`: applied by somebody else. */
  kind: 'extension' | 'sql' | 'unknown';
  version: string | null;
}

/**
 * Installs pgmq unless it is there: the extension where the server has it, else the same release as plain SQL, which is
 * recorded in the comment of its schema. Idempotent; not for two sessions at once.
 *
 * Throws a StartupError where the user may not.
 */
export async function installPgmq(db: Executor): Promise<PgmqInstallation> {
  const existing = await findPgmq(db);
  if (existing !== undefined) return existing;
  const { rowCount: available } = await db.query("select 1 from pg_available_extensions where name = 'pgmq'");
  try {
    await db.query(available === 0 ? await readPackagedSql() : 'create extension if not exists pgmq');
  } catch (error) {
    throw new StartupError(`cannot install pgmq in the database: ${messageOf(error)}`, { cause: error });
  }
  return (await findPgmq(db)) ?? { kind: 'unknown', version: null };
}

/** How pgmq came into this database; `undefined` when it is not there. */
export async function findPgmq(db: Executor): Promise<PgmqInstallation | undefined> {
  const { rows } = await db.query<{ extension: string | null; comment: string | null }>(
    `select
       (select extversion from pg_extension where extname = 'pgmq') as extension,
       obj_description(to_regnamespace('pgmq'), 'pg_namespace') as comment
     where to_regclass('pgmq.meta') is not null`,
  );
  const row = rows[0];
  if (row === undefined) return undefined;
  if (row.extension !== null) return { kind: 'extension', version: row.extension };
  const version = /^pgmq (\S+), plain SQL/.exec(row.comment ?? '')?.[1];
  return version === undefined ? { kind: 'unknown', version: null } : { kind: 'sql', version };
}

/** Whether this pgmq has topics (1.11 and later). */
export async function hasTopics(db: Executor): Promise<boolean> {
  const { rows } = await db.query<{ has: boolean }>(
    `select to_regprocedure('pgmq.bind_topic(text, text)') is not null
       and to_regprocedure('pgmq.send_topic(text, jsonb)') is not null as has`,
  );
  return rows[0]?.has ?? false;
}

/** One text of many statements, which PostgreSQL runs as one transaction: pgmq is there whole or not at all. */
async function readPackagedSql(): Promise<string> {
  const entry = createRequire(import.meta.url).resolve('@electric-sql/pglite-pgmq');
  const archive = await readFile(path.join(path.dirname(entry), 'pgmq.tar.gz'));
  const name = `pgmq--${packagedVersion}.sql`;
  const [file] = await parseTarGzip(archive, { filter: (found) => path.basename(found.name) === name });
  if (file === undefined) throw new Error(`the package of pgmq does not hold ${name}`);
  return `${file.text};\ncomment on schema pgmq is 'pgmq ${packagedVersion}, plain SQL, installed by Signalbox';`;
}
