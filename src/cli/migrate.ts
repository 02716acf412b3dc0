import { Command } from 'commander';
import { StartupError } from '../platform/core/errors.ts';
import { startEmbeddedPostgres } from '../platform/postgres/embedded.ts';
import { migrate, pendingMigrations } from '../platform/postgres/migrate.ts';
import { createPool } from '../platform/postgres/pool.ts';
import { createLogger } from '../platform/telemetry/logger.ts';
import { configFrom, type ConfigOptions, withConfigOptions } from './options.ts';
import { print } from './terminal.ts';

interface MigrateOptions extends ConfigOptions {
  dryRun?: boolean;
}

export function migrateCommand(): Command {
  return withConfigOptions(new Command('migrate'))
    .description('bring the database to the version of this Signalbox; every start does the same')
    .option('--dry-run', 'only say what would be applied')
    .action(async (options: MigrateOptions) => {
      const config = configFrom(options);
      const log = createLogger({ level: 'warn' });
      const embedded =
        config.database_url === undefined ? await startEmbeddedPostgres({ dataDir: config.data_dir, log }) : undefined;
      const connectionString = config.database_url ?? embedded?.connectionString;
      if (connectionString === undefined) throw new StartupError('no database');
      const pool = createPool({ connectionString, applicationName: 'signalbox migrate', max: 2, log });
      try {
        if (options.dryRun === true) {
          const pending = await pendingMigrations(pool);
          print(pending.length === 0 ? 'nothing to apply' : `would apply: ${pending.join(', ')}`);
          return;
        }
        const { applied, version } = await migrate(pool, { log });
        print(
          applied.length === 0
            ? `up to date at version ${version}`
            : `applied ${applied.join(', ')}; version ${version}`,
        );
      } finally {
        await pool.end();
        await embedded?.stop();
      }
    });
}
