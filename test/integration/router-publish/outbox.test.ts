import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createOutbox, type Outbox } from '../../../src/router/publish/outbox.ts';
import type { EncodedEvent } from '../../../src/router/publish/encoded-event.ts';
import { createOutboxFolders } from '../../../src/router/publish/outbox-folders.ts';
import {
  asRoot,
  canMount,
  encodedEvents as events,
  killHolder,
  numberOfEncoded as numberOf,
  oneTo,
} from './support.ts';

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(path.join(tmpdir(), 'signalbox-outbox-'));
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

interface Opened {
  outbox: Outbox;
  dropped: EncodedEvent[];
  torn(): number;
}

function openOutbox(options: { maxBytes?: number; instanceId?: string; database?: string; in?: string } = {}): Opened {
  const dropped: EncodedEvent[] = [];
  let torn = 0;
  const outbox = createOutbox({
    folders: createOutboxFolders({
      dataDir: options.in ?? dataDir,
      instanceId: options.instanceId ?? 'i',
      connectionString: `postgres://user:secret@host/${options.database ?? 'db'}?sslmode=disable`,
    }),
    maxBytes: options.maxBytes ?? 1024 * 1024,
    onDropped: (event) => void dropped.push(event),
    onTornLines: (count) => void (torn += count),
  });
  return { outbox, dropped, torn: () => torn };
}

function linesOf(encoded: readonly EncodedEvent[]): Buffer {
  return Buffer.concat(encoded.map(({ line }) => line));
}

async function takeAll(outbox: Outbox, batch = 7): Promise<number[]> {
  const taken: number[] = [];
  for (;;) {
    const some = await outbox.peek(batch);
    if (some.length === 0) return taken;
    taken.push(...some.map(numberOf));
    await outbox.remove(some.length);
  }
}

async function filesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return names.filter((name) => name.isFile()).map((name) => path.join(name.parentPath, name.name));
}

async function foldersIn(folder: string): Promise<string[]> {
  return (await readdir(path.join(folder, 'outbox')).catch(() => [])).map((name) => path.join(folder, 'outbox', name));
}

describe('one process', () => {
  test('gives back what it was given, in order, however both sides interleave', async () => {
    const { outbox } = openOutbox();
    const taken: number[] = [];
    for (let round = 0; round < 30; round += 1) {
      await Promise.all([
        outbox.append(events(round * 40 + 1, round * 40 + 40)),
        (async () => {
          const some = await outbox.peek(25);
          taken.push(...some.map(numberOf));
          await outbox.remove(some.length);
        })(),
      ]);
    }
    expect(outbox.events).toBe(1200 - taken.length);
    taken.push(...(await takeAll(outbox)));
    expect(taken).toEqual(oneTo(1200));
    expect(outbox).toMatchObject({ isEmpty: true, bytes: 0, events: 0 });
    expect(await foldersIn(dataDir)).toEqual([]);
  });

  test('keeps its files from others, under a name that every file system takes', async () => {
    const { outbox } = openOutbox({ instanceId: 'a:b@c' });
    await outbox.append(events(1, 1));
    const [folder = ''] = await foldersIn(dataDir);
    expect(path.basename(folder)).toMatch(/^a_b_c-[0-9a-f]{8}@[\w.@-]+$/);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    const [file = ''] = await filesIn(folder);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readFile(file)).toEqual(linesOf(events(1, 1)));
  });

  test('never outgrows its bound: routed events make room, oldest first, and outcomes are refused last', async () => {
    const { length } = linesOf(events(1, 1));
    const maxBytes = length * 400;
    const { outbox, dropped } = openOutbox({ maxBytes });
    for (let first = 1; first <= 300; first += 10) {
      expect(await outbox.append(events(first, first + 4, 'routed'))).toBe(5);
      expect(await outbox.append(events(first + 5, first + 9))).toBe(5);
    }
    expect(dropped).toEqual([]);
    let number = 300;
    let stored = 0;
    do {
      stored = await outbox.append(events(number + 1, number + 10));
      number += stored;
      expect(outbox.bytes).toBeLessThanOrEqual(maxBytes);
    } while (stored > 0);
    const routed = oneTo(300).filter((each) => (each - 1) % 10 < 5);
    // All routed events are gone before the first outcome is refused.
    expect(dropped.map(numberOf)).toEqual(routed);
    const sizes = await Promise.all((await filesIn(dataDir)).map(async (file) => (await stat(file)).size));
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(outbox.bytes);
    const gone = new Set(routed);
    expect(await takeAll(outbox)).toEqual(oneTo(number).filter((each) => !gone.has(each)));
    expect(await outbox.append(events(1, 10))).toBe(10);
  });

  test('with a bound of 0 it takes nothing and touches nothing', async () => {
    const { outbox } = openOutbox({ maxBytes: 0 });
    expect(await outbox.append(events(1, 3))).toBe(0);
    await outbox.close();
    expect(await readdir(dataDir)).toEqual([]);
  });
});

describe('what another process left', () => {
  test('is sent first, after a stop', async () => {
    const first = openOutbox();
    await first.outbox.append(events(1, 10));
    await first.outbox.close();
    const second = openOutbox();
    await second.outbox.append(events(11, 20));
    await second.outbox.keep();
    expect(second.outbox.events).toBe(20);
    expect(await takeAll(second.outbox)).toEqual(oneTo(20));
    expect(await foldersIn(dataDir)).toEqual([]);
  });

  test('is taken by one of many that want it', async () => {
    const dead = openOutbox();
    await dead.outbox.append(events(1, 100));
    const [folder = ''] = await foldersIn(dataDir);
    await killHolder(folder);
    const heirs = Array.from({ length: 8 }, () => openOutbox());
    await Promise.all(heirs.map((heir) => heir.outbox.keep()));
    const taken = await Promise.all(heirs.map((heir) => takeAll(heir.outbox)));
    expect(taken.filter((numbers) => numbers.length > 0)).toEqual([oneTo(100)]);
  });

  test('is left to it while it lives, also if it only seems to have this one’s process id', async () => {
    const living = openOutbox();
    await living.outbox.append(events(1, 5));
    const other = openOutbox();
    await other.outbox.keep();
    expect(other.outbox.isEmpty).toBe(true);
    // A process of the same id that started at another time is dead, as process 1 of a container that was restarted is.
    const [folder = ''] = await foldersIn(dataDir);
    await killHolder(folder, process.pid);
    await other.outbox.keep();
    expect(await takeAll(other.outbox)).toEqual(process.platform === 'linux' ? oneTo(5) : []);
  });

  test.each([
    { name: 'on another machine that still shows life', age: 5, options: {}, place: true, taken: false },
    { name: 'on another machine that shows none', age: 30, options: {}, place: true, taken: true },
    { name: 'of another instance, at first', age: 30, options: { instanceId: 'j' }, place: false, taken: false },
    { name: 'of another instance, at last', age: 90, options: { instanceId: 'j' }, place: false, taken: true },
    { name: 'for another database', age: 90, options: { database: 'other' }, place: false, taken: false },
  ])('$name: $taken', async ({ age, options, place, taken }) => {
    const dead = openOutbox();
    await dead.outbox.append(events(1, 5));
    const [folder = ''] = await foldersIn(dataDir);
    const abandoned = place
      ? folder.replace(/@[0-9a-f]+(-[^@]+)$/, '@0123456789ab$1')
      : folder.replace(/-\d+-\d*(-[0-9a-f]+)$/, '-4194305-1$1');
    await rename(folder, abandoned);
    const at = new Date(Date.now() - age * 1000);
    await utimes(abandoned, at, at);
    const heir = openOutbox(options);
    await heir.outbox.keep();
    expect(await takeAll(heir.outbox)).toEqual(taken ? oneTo(5) : []);
  });

  test('cut anywhere gives every whole event and counts one torn line', async () => {
    const whole = linesOf(events(1, 6));
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: whole.length }), async (cut) => {
        const dead = openOutbox();
        await dead.outbox.append(events(1, 6));
        const [folder = ''] = await foldersIn(dataDir);
        const [file = ''] = await filesIn(folder);
        await truncate(file, cut);
        await killHolder(folder);
        const heir = openOutbox();
        await heir.outbox.keep();
        const length = whole.length / 6;
        const complete = Math.floor((cut + 1) / length);
        expect(await takeAll(heir.outbox)).toEqual(oneTo(complete));
        expect(heir.torn()).toBe([0, -1].includes(cut - complete * length) ? 0 : 1);
        expect(await foldersIn(dataDir)).toEqual([]);
      }),
    );
  });

  test('that cannot be read does not keep back what lies behind it', async () => {
    const broken = openOutbox();
    await broken.outbox.append(events(1, 5));
    const [first = ''] = await foldersIn(dataDir);
    for (const file of await filesIn(first)) {
      // A folder where a file should be: refused to root, too.
      await rm(file);
      await mkdir(file);
    }
    await killHolder(first);
    const dead = openOutbox();
    await dead.outbox.append(events(6, 10));
    for (const folder of await foldersIn(dataDir)) await killHolder(folder);
    const heir = openOutbox();
    await expect(heir.outbox.keep()).rejects.toThrow('EISDIR');
    expect(await takeAll(heir.outbox)).toEqual([6, 7, 8, 9, 10]);
  });

  test('once taken is its new holder’s, however old the last sign of the one before', async () => {
    const dead = openOutbox();
    await dead.outbox.append(events(1, 5));
    const [folder = ''] = await foldersIn(dataDir);
    await killHolder(folder);
    const at = new Date(Date.now() - 3_600_000);
    for (const abandoned of await foldersIn(dataDir)) await utimes(abandoned, at, at);
    const heir = openOutbox();
    await heir.outbox.keep();
    const [taken = ''] = await foldersIn(dataDir);
    expect(Date.now() - (await stat(taken)).mtimeMs).toBeLessThan(60_000);
  });

  test('whoever was robbed notices before it counts on what it wrote', async () => {
    const sleeper = openOutbox();
    await sleeper.outbox.append(events(1, 5));
    const [folder = ''] = await foldersIn(dataDir);
    await killHolder(folder);
    const heir = openOutbox();
    await heir.outbox.keep();
    await expect(sleeper.outbox.append(events(6, 10))).rejects.toThrow('ENOENT');
    expect(await sleeper.outbox.append(events(6, 10))).toBe(5);
    expect(await takeAll(heir.outbox)).toEqual(oneTo(5));
    expect(await takeAll(sleeper.outbox)).toEqual([6, 7, 8, 9, 10]);
  });
});

describe('a disk that fails', () => {
  test('where no folder can be made', async () => {
    await writeFile(path.join(dataDir, 'outbox'), '');
    const { outbox } = openOutbox();
    await expect(outbox.append(events(1, 5))).rejects.toThrow('EEXIST');
    await expect(outbox.keep()).rejects.toThrow('ENOTDIR');
    expect(outbox.isEmpty).toBe(true);
    await rm(path.join(dataDir, 'outbox'));
    expect(await outbox.append(events(1, 5))).toBe(5);
    expect(await takeAll(outbox)).toEqual(oneTo(5));
  });

  test.skipIf(!canMount())('that is full takes what it can, whole, and goes on when there is room', async () => {
    const small = path.join(dataDir, 'small');
    await mkdir(small);
    asRoot('mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', small);
    try {
      const { outbox, torn } = openOutbox({ in: small });
      let stored = 0;
      const fill = async (): Promise<void> => {
        for (;;) stored += await outbox.append(events(stored + 1, stored + 10));
      };
      await expect(fill()).rejects.toThrow('ENOSPC');
      await expect(fill()).rejects.toThrow('ENOSPC');
      expect(stored).toBeGreaterThan(50);
      expect(outbox.events).toBe(stored);
      asRoot('mount', '-o', 'remount,size=1m', small);
      expect(await outbox.append(events(stored + 1, stored + 10))).toBe(10);
      expect(await takeAll(outbox)).toEqual(oneTo(stored + 10));
      expect(torn()).toBe(0);
    } finally {
      asRoot('umount', '-l', small);
    }
  });

  test.skipIf(!canMount())('that is read-only is left as it is until it is not', async () => {
    const small = path.join(dataDir, 'small');
    await mkdir(small);
    asRoot('mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', small);
    try {
      const first = openOutbox({ in: small });
      await first.outbox.append(events(1, 5));
      await first.outbox.close();
      asRoot('mount', '-o', 'remount,ro', small);
      const { outbox } = openOutbox({ in: small });
      await expect(outbox.keep()).rejects.toThrow('EROFS');
      await expect(outbox.append(events(6, 10))).rejects.toThrow('EROFS');
      asRoot('mount', '-o', 'remount,rw', small);
      expect(await outbox.append(events(6, 10))).toBe(5);
      await outbox.keep();
      expect(await takeAll(outbox)).toEqual(oneTo(10));
    } finally {
      asRoot('umount', '-l', small);
    }
  });

  test('whose files go away is started anew', async () => {
    const { outbox } = openOutbox();
    await outbox.append(events(1, 5));
    await rm(path.join(dataDir, 'outbox'), { recursive: true });
    expect(await outbox.peek(5)).toEqual([]);
    expect(await outbox.append(events(6, 10))).toBe(5);
    expect(await takeAll(outbox)).toEqual([6, 7, 8, 9, 10]);
  });
});
