import { Command } from 'commander';
import pc from 'picocolors';
import { purge, type PurgedTable, surveyPurge } from '../central/maintain/purge.ts';
import { StartupError } from '../platform/core/errors.ts';
import { findEmbeddedPostgres, startEmbeddedPostgres } from '../platform/postgres/embedded.ts';
import { pendingMigrations } from '../platform/postgres/migrate.ts';
import { createPool, type Pool } from '../platform/postgres/pool.ts';
import type { PurgeScope } from '../platform/store/purge.ts';
import { createLogger, type Logger } from '../platform/telemetry/logger.ts';
import { userName } from './api-client.ts';
import { configFrom, type ConfigOptions, pointInTime, withConfigOptions } from './options.ts';
import { print, say, showProgress, table } from './terminal.ts';

interface PurgeOptions extends ConfigOptions {
  before?: string;
  instance?: string;
  key?: string;
  yes?: boolean;
  json?: boolean;
}

/** Reading all of a large table takes longer than any statement of a service may. */
const statementTimeoutMs = 3_600_000;

/** `signalbox purge`: what an operator must be able to delete. Asks the database itself, so that it needs no service. */
export function purgeCommand(): Command {
  return withConfigOptions(new Command('purge'))
    .description('delete records for good; without --yes, only count what would go')
    .option(
      '--before <when>',
      'what is older, such as 30d or 2026-12-31: decisions, races, evidence, sketches',
      pointInTime,
    )
    .option('--instance <id>', 'what is of an instance that is gone')
    .option('--key <id>', 'what is of a revoked virtual key', (id: string) => id.toLowerCase())
    .option('--yes', 'delete it')
    .option('--json', 'the counts as JSON')
    .action(async (options: PurgeOptions) => {
      const scope = scopeOf(options);
      await withDatabase(options, async (pool) => {
        const tables =
          options.yes === true
            ? await purge(pool, scope, userName(), ({ table: name, share }) => showProgress(`${bar(share)} ${name}`))
            : await surveyPurge(pool, scope);
        show(tables, options);
      });
    });
}

function scopeOf({ before, instance, key }: PurgeOptions): PurgeScope {
  const scopes: PurgeScope[] = [
    ...(before === undefined ? [] : [{ before: new Date(before) }]),
    ...(instance === undefined ? [] : [{ instanceId: instance }]),
    ...(key === undefined ? [] : [{ keyId: key }]),
  ];
  const [scope, ...others] = scopes;
  if (scope === undefined || others.length > 0) {
    throw new StartupError('say what is to go: one of --before, --instance and --key');
  }
  return scope;
}

/** The database of the configuration: the one that is given, the embedded one that runs, or the embedded one, started. */
async function withDatabase(options: PurgeOptions, work: (pool: Pool) => Promise<void>): Promise<void> {
  const config = configFrom(options);
  const log = createLogger({ level: 'warn' });
  const given = config.database_url ?? (await findEmbeddedPostgres(config.data_dir));
  const started = given === undefined ? await startEmbeddedPostgres({ dataDir: config.data_dir, log }) : undefined;
  try {
    await withPool(given ?? started?.connectionString, log, work);
  } finally {
    await started?.stop();
  }
}

async function withPool(
  connectionString: string | undefined,
  log: Logger,
  work: (pool: Pool) => Promise<void>,
): Promise<void> {
  if (connectionString === undefined) throw new StartupError('no database');
  const pool = createPool({ connectionString, applicationName: 'signalbox purge', max: 1, log, statementTimeoutMs });
  try {
    const pending = await pendingMigrations(pool);
    if (pending.length > 0) throw new StartupError('the database is of an earlier version: signalbox migrate');
    await work(pool);
  } finally {
    await pool.end();
  }
}

function show(tables: readonly PurgedTable[], options: PurgeOptions): void {
  const done = options.yes === true;
  if (options.json === true) return print(JSON.stringify({ dry_run: !done, tables }, null, 2));
  const header = ['TABLE', done ? 'DELETED' : 'WOULD GO'].map((text) => pc.dim(text));
  const rows = tables.map(({ table: name, rows: found, deleted }) => [name, String(done ? deleted : found)]);
  for (const line of table([header, ...rows])) print(line);
  const left = tables.reduce((sum, { left: rest }) => sum + rest, 0);
  if (done && left > 0) say(`${left} rows were in use or came in meanwhile, and are left; run it again`);
  if (!done) say(pc.dim('nothing was deleted; --yes does it, for good'));
}

function bar(share: number): string {
  const width = 20;
  const filled = Math.round(share * width);
  return `${'█'.repeat(filled)}${'░'.repeat(width - filled)} ${Math.round(share * 100)}%`;
}
