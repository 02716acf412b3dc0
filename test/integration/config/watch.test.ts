import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ConfigHolder, createLiveConfig, firstState } from '../../../src/platform/config/live.ts';
import { readConfig } from '../../../src/platform/config/load.ts';
import { type ConfigWatcher, createConfigWatcher } from '../../../src/platform/config/watch.ts';

const patience = { timeout: 10_000, interval: 25 };

let folder: string;
let live: ConfigHolder;
let watcher: ConfigWatcher;
/** Every line of the log. */
let lines: Array<Record<string, unknown>>;

/** Null: the file that is found by itself. */
async function watch(
  file: string | null = path.join(folder, 'signalbox.yaml'),
  env: Record<string, string> = {},
): Promise<void> {
  const load = { env, cwd: folder, ...(file === null ? {} : { file }) };
  const { config, fileHash } = readConfig(load);
  if (config === null) throw new Error('the first file is wrong');
  live = createLiveConfig(config, firstState(config, fileHash));
  lines = [];
  const log = pino(
    { level: 'debug' },
    new Writable({
      write(text: Buffer, _encoding, done) {
        lines.push(JSON.parse(text.toString()) as Record<string, unknown>);
        done();
      },
    }),
  );
  watcher = createConfigWatcher({ live, load, log });
  await watcher.start();
}

const level = (): string => live.current().log_level;
const errors = (): unknown[] => lines.filter((line) => line['level'] === 50).map((line) => line['problem']);

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'signalbox-watch-'));
  await writeFile(path.join(folder, 'signalbox.yaml'), 'log_level: info\n');
});
afterEach(async () => {
  await watcher.stop();
  await rm(folder, { recursive: true });
});

describe('a changed file is in force, however it was changed', () => {
  it('written over, and renamed into its place', async () => {
    await watch();
    const file = path.join(folder, 'signalbox.yaml');
    await writeFile(file, 'log_level: debug\n');
    await expect.poll(level, patience).toBe('debug');
    await writeFile(`${file}.new`, 'log_level: warn\n');
    await rename(`${file}.new`, file);
    await expect.poll(level, patience).toBe('warn');
    expect(live.state()).toMatchObject({ version: 3, file, problem: null });
  });

  it('by a link that leads elsewhere, as Kubernetes swaps the folders of a ConfigMap', async () => {
    const mount = path.join(folder, 'mount');
    for (const [name, text] of [
      ['first', 'info'],
      ['second', 'error'],
    ] as const) {
      await mkdir(path.join(mount, name), { recursive: true });
      await writeFile(path.join(mount, name, 'signalbox.yaml'), `log_level: ${text}\n`);
    }
    await symlink('first', path.join(mount, '..data'));
    await symlink(path.join('..data', 'signalbox.yaml'), path.join(mount, 'signalbox.yaml'));
    await watch(path.join(mount, 'signalbox.yaml'));
    await symlink('second', path.join(mount, '..data_tmp'));
    await rename(path.join(mount, '..data_tmp'), path.join(mount, '..data'));
    await expect.poll(level, patience).toBe('error');
  });

  it('by another secret in the file that a variable names, with a configuration file or without', async () => {
    const [key, yaml] = [path.join(folder, 'key'), path.join(folder, 'signalbox.yaml')];
    await writeFile(key, 'the-first-master-key\n');
    for (const file of [yaml, null]) {
      if (file === null) await rm(yaml);
      await watch(file, { SIGNALBOX_MASTER_KEY_FILE: key });
      await writeFile(key, `the-next-master-key-${file}\n`);
      await expect.poll(() => live.current().master_key, patience).toBe(`the-next-master-key-${file}`);
      expect(JSON.stringify(lines)).not.toContain('the-next-master-key');
      await writeFile(key, '');
      await expect.poll(() => live.state().problem, patience).toContain('is empty');
      expect(live.current().master_key).toBe(`the-next-master-key-${file}`);
      await watcher.stop();
      await writeFile(key, 'the-first-master-key\n');
    }
    await writeFile(yaml, '');
  });

  it('made where there was none', async () => {
    await rm(path.join(folder, 'signalbox.yaml'));
    await watch(null);
    expect(live.state().file).toBeNull();
    await writeFile(path.join(folder, 'signalbox.yaml'), 'log_level: fatal\n');
    await expect.poll(level, patience).toBe('fatal');
  });
});

describe('a file that is wrong changes nothing', () => {
  it('and is told of once, with place and reason, and again when asked', async () => {
    await watch();
    const before = live.current();
    const file = path.join(folder, 'signalbox.yaml');
    await writeFile(file, 'log_level: debug\nrouting:\n  weigths: {}\n');
    await expect.poll(() => live.state().problem, patience).toContain('routing.weigths: unknown key (line 3)');
    // Two more looks at it.
    await new Promise((resolve) => setTimeout(resolve, 2500));
    expect(errors()).toHaveLength(1);
    expect(live.current()).toBe(before);
    expect(live.state().version).toBe(1);
    watcher.reload();
    await expect.poll(() => errors().length, patience).toBe(2);

    await writeFile(file, 'log_level: debug\n');
    await expect.poll(level, patience).toBe('debug');
    expect(live.state()).toMatchObject({ version: 2, problem: null });
  });

  it.each([
    ['no YAML', 'log_level: [', 'line 1'],
    ['a key that is not set', 'providers: [{ name: a, kind: openai, api_key_env: NOWHERE }]', 'NOWHERE is not set'],
    ['removed', null, 'does not exist'],
  ])('%s', async (_what, text, reason) => {
    await watch();
    const before = live.current();
    const file = path.join(folder, 'signalbox.yaml');
    await (text === null ? rm(file) : writeFile(file, text));
    await expect.poll(() => live.state().problem, patience).toContain(reason);
    expect(live.current()).toBe(before);
  });

  it('a public address that would lose its key', async () => {
    const file = path.join(folder, 'signalbox.yaml');
    await writeFile(file, 'host: 0.0.0.0\nmaster_key: a-master-key-that-is-long\n');
    await watch();
    await writeFile(file, 'host: 127.0.0.1\n');
    await expect.poll(() => live.state().problem, patience).toContain('refusing to listen on 0.0.0.0');
    expect(live.current().master_key).toBe('a-master-key-that-is-long');
  });
});

it('names the settings that wait for a restart, and takes the others', async () => {
  await watch();
  await writeFile(path.join(folder, 'signalbox.yaml'), 'log_level: debug\nports: { router: 1 }\nworkers: 3\n');
  await expect.poll(level, patience).toBe('debug');
  expect(live.state().needsRestart).toEqual(['ports.router', 'workers', 'instance_id']);
  expect(live.current()).toMatchObject({ ports: { router: 8001 }, workers: 1 });
  expect(lines).toContainEqual(
    expect.objectContaining({ level: 40, settings: ['ports.router', 'workers', 'instance_id'] }),
  );
});
