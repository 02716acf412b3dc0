/**
 * `npm run test:package` packs what would be published and uses it in an empty folder as its users do: installed with an
 * empty cache, under the Node of this repository and under the one that is on the PATH beside it. Without `--install`, as
 * in `npm run check`, it is unpacked beside the dependencies that are here, which takes seconds. Needs `npm run build`.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { parseLines, runProgram } from '../test/support/child-process.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../', import.meta.url));
const ownPrograms = path.join(root, 'node_modules', '.bin');
const searchPath = (process.env['PATH'] ?? '').split(path.delimiter);
const usersPath = searchPath.filter((folder) => !folder.endsWith(path.join('node_modules', '.bin')));

const folder = await mkdtemp(path.join(tmpdir(), 'signalbox-package-'));
try {
  const tarball = await pack();
  if (process.argv.includes('--install')) {
    await install(tarball);
    await tryOut(usersPath);
  } else {
    await unpack(tarball);
  }
  await tryOut([ownPrograms, ...usersPath]);
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function pack(): Promise<string> {
  const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
    cwd: root,
  });
  const [packed] = z
    .array(z.object({ filename: z.string(), size: z.int(), entryCount: z.int() }))
    .parse(JSON.parse(stdout));
  assert(packed !== undefined);
  console.log(`${packed.filename}: ${packed.entryCount} files, ${(packed.size / 2 ** 20).toFixed(1)} MiB`);
  return path.join(folder, packed.filename);
}

/** With a cache of its own, and none of the configuration of this repository. */
async function install(tarball: string): Promise<void> {
  const env = { PATH: usersPath.join(path.delimiter), HOME: process.env['HOME'] };
  const options = { cwd: folder, env };
  await run('npm', ['init', '--yes'], options);
  await run('npm', ['install', '--no-audit', '--no-fund', '--cache', path.join(folder, 'cache'), tarball], options);
}

/** Beside the dependencies that it declares and no others, so that one which is missing there is missed. */
async function unpack(tarball: string): Promise<void> {
  const installed = path.join(folder, 'node_modules', 'signalbox');
  await mkdir(installed, { recursive: true });
  await run('tar', ['--extract', '--file', tarball, '--directory', installed, '--strip-components', '1']);
  const text = await readFile(path.join(installed, 'package.json'), 'utf8');
  const { dependencies, bin } = z
    .object({ dependencies: z.record(z.string(), z.string()), bin: z.object({ signalbox: z.string() }) })
    .parse(JSON.parse(text));
  for (const name of Object.keys(dependencies)) {
    const link = path.join(folder, 'node_modules', name);
    await mkdir(path.dirname(link), { recursive: true });
    await symlink(path.join(root, 'node_modules', name), link);
  }
  await mkdir(path.join(folder, 'node_modules', '.bin'));
  await symlink(path.join(installed, bin.signalbox), path.join(folder, 'node_modules', '.bin', 'signalbox'));
  // npm makes it executable when it installs it.
  await chmod(path.join(installed, bin.signalbox), 0o755);
}

/** Starts everything with a database of its own, asks, looks at the dashboard, and ends it. */
async function tryOut(programs: readonly string[]): Promise<void> {
  const env = {
    PATH: programs.join(path.delimiter),
    HOME: folder,
    REGISTRY_PORT: '0',
    ROUTER_PORT: '0',
    UPGRADE_PORT: '0',
    CENTRAL_PORT: '0',
  };
  const signalbox = path.join(folder, 'node_modules', '.bin', 'signalbox');
  const { stdout: node } = await run('node', ['--version'], { env });
  const child = runProgram(signalbox, ['up', '--demo'], { cwd: folder, env });
  try {
    const { ports } = await child.waitForLine<{ ports: Record<'router' | 'central', number> }>(
      (line) => line['ready'] === true,
    );
    const answer = await fetch(`http://127.0.0.1:${ports.router}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'What is the capital of France?' }] }),
    });
    assert.equal(answer.status, 200, await answer.text());
    for (const port of [ports.central, ports.router]) {
      const page = await fetch(`http://127.0.0.1:${port}${port === ports.central ? '/' : '/docs'}`);
      assert.match(await page.text(), /<!doctype html>/i);
    }
  } finally {
    child.kill('SIGTERM');
  }
  assert.equal(await child.waitForExit(), 0, child.stderr());
  const failures = parseLines(child.stderr()).filter(({ level }) => level === 'error' || level === 'fatal');
  assert.deepEqual(failures, []);
  await rm(path.join(folder, '.signalbox'), { recursive: true, force: true });
  console.log(`Node ${node.trim()}: started, answered, and stopped`);
}
