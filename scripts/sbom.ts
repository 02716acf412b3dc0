/**
 * `npm run -s sbom > sbom.json`: all that users install, as a CycloneDX document. npm reads a lock file without development's
 * packages, because of one with them it leaves out what both need.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { readProductionLock, root } from './supply/lock-file.ts';

const temporary = await mkdtemp(path.join(tmpdir(), 'signalbox-sbom-'));
try {
  // npm takes the name of the folder for that of the package.
  const folder = path.join(temporary, 'signalbox');
  await mkdir(folder);
  const manifest = z.looseObject({}).parse(JSON.parse(await readFile(new URL('package.json', root), 'utf8')));
  await writeFile(path.join(folder, 'package.json'), JSON.stringify({ ...manifest, devDependencies: {} }));
  await writeFile(path.join(folder, 'package-lock.json'), JSON.stringify(readProductionLock()));
  const args = ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only'];
  const { stdout } = await promisify(execFile)('npm', args, { cwd: folder, maxBuffer: 64 * 2 ** 20 });
  process.stdout.write(stdout);
} finally {
  await rm(temporary, { recursive: true, force: true });
}
