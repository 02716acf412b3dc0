import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLogger } from '../../../src/platform/telemetry/logger.ts';
import { createDiskState } from '../../../src/router/publish/disk-state.ts';
import { decodeEvents, type EncodedEvent } from '../../../src/router/publish/encoded-event.ts';
import { createJournal, type Journal } from '../../../src/router/publish/journal.ts';
import { createOutbox, type Outbox } from '../../../src/router/publish/outbox.ts';
import { createOutboxFolders, isMissing, type OutboxFolders } from '../../../src/router/publish/outbox-folders.ts';
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
  dataDir = await mkdtemp(path.join(tmpdir(), 'signalbox-journal-'));
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

interface Process {
  folders: OutboxFolders;
  outbox: Outbox;
  journal: Journal;
  refused(): number;
}

function startProcess({ maxBytes = 1024 * 1024, folder = dataDir } = {}): Process {
  let refused = 0;
  const folders = createOutboxFolders({ dataDir: folder, instanceId: 'i', connectionString: 'postgres://host/db' });
  return {
    folders,
    outbox: createOutbox({ folders, maxBytes, onDropped: () => undefined, onTornLines: () => undefined }),
    journal: createJournal({
      folders,
      maxBytes,
      state: createDiskState('journal', 'written', silentLogger()),
      onRefused: () => void (refused += 1),
    }),
    refused: () => refused,
  };
}

async function startJournal(options: Parameters<typeof startProcess>[0] = {}): Promise<Process> {
  const started = startProcess(options);
  await started.journal.keep();
  return started;
}

const foldersOf = async (folder = dataDir): Promise<string[]> =>
  (await readdir(path.join(folder, 'outbox'))).map((name) => path.join(folder, 'outbox', name));

/** What the next process would find in the files at this moment. */
function onDisk(folder = dataDir): { numbers: number[]; files: number; tornLines: number } {
  const root = path.join(folder, 'outbox');
  const files = (readdirSync(root, { recursive: true }) as string[]).filter((name) => name.endsWith('.jsonl')).sort();
  const decoded = files.map((name) => decodeEvents(readIfThere(path.join(root, name))));
  return {
    numbers: decoded.flatMap((each) => each.events.map(numberOf)),
    files: files.length,
    tornLines: decoded.reduce((sum, each) => sum + each.tornLines, 0),
  };
}

/** A file whose events are all forgotten may go at any moment. */
function readIfThere(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    if (isMissing(error)) return Buffer.alloc(0);
    throw error;
  }
}

async function takeAll(outbox: Outbox): Promise<number[]> {
  const taken: number[] = [];
  for (;;) {
    const some = await outbox.peek(100);
    if (some.length === 0) return taken;
    taken.push(...some.map(numberOf));
    await outbox.remove(some.length);
  }
}

test('an event is in a file when `write` returns, and the file goes when all its events are safe', async () => {
  const { journal } = await startJournal();
  const written = events(1, 5);
  for (const [index, event] of written.entries()) {
    journal.write(event);
    expect(onDisk().numbers).toEqual(oneTo(index + 1));
  }
  journal.rotate();
  const later = events(6, 7);
  later.forEach(journal.write);
  expect(onDisk()).toMatchObject({ numbers: oneTo(7), files: 2 });
  journal.forget(written);
  await expect.poll(() => onDisk()).toMatchObject({ numbers: [6, 7], files: 1 });
  journal.forget(later);
  await journal.close();
  expect(await foldersOf()).toEqual([]);
});

test('whatever is written, sent and given up: what waits is on disk, within the bound and in few files', async () => {
  const lineBytes = events(1, 1)[0]?.line.length ?? 0;
  const maxBytes = lineBytes * 64;
  const step = fc.oneof(
    fc.integer({ min: 1, max: 20 }).map((count) => ({ write: count })),
    fc.record({ forget: fc.nat(20), from: fc.constantFrom(0, 0, 3) }),
    fc.constant({ rotate: true }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const folder = await mkdtemp(path.join(dataDir, 'run-'));
      const { journal, refused } = await startJournal({ maxBytes, folder });
      const waiting: EncodedEvent[] = [];
      let made = 0;
      let taken = 0;
      for (const action of steps) {
        if ('write' in action) {
          const added = events(made + 1, (made += action.write));
          added.forEach(journal.write);
          const kept = added.filter(journal.has);
          taken += kept.length;
          waiting.push(...kept);
        } else if ('forget' in action) {
          journal.forget(waiting.splice(action.from, action.forget));
        } else {
          journal.rotate();
          await journal.keep();
        }
        const { numbers, tornLines } = onDisk(folder);
        expect(numbers).toEqual(expect.arrayContaining(waiting.map(numberOf)));
        expect(tornLines).toBe(0);
      }
      await journal.close();
      const { numbers, files } = onDisk(folder);
      expect(numbers.length * lineBytes).toBeLessThanOrEqual(maxBytes);
      expect(files).toBeLessThanOrEqual(8 + 2);
      expect(refused()).toBe(made - taken);
      expect(numbers.length > 0).toBe(waiting.length > 0);
    }),
    { numRuns: 60 },
  );
});

describe('what a dead process leaves', () => {
  test('is sent by the next one behind what the dead one had stored before', async () => {
    const dead = await startJournal();
    await dead.outbox.append(events(1, 10));
    events(8, 20).forEach(dead.journal.write);
    for (const folder of await foldersOf()) await killHolder(folder);
    const next = startProcess();
    await next.outbox.keep();
    await next.journal.keep();
    expect(await takeAll(next.outbox)).toEqual([...oneTo(10), ...oneTo(13).map((number) => number + 7)]);
    // The folder of its own journal is left.
    expect(await foldersOf()).toHaveLength(1);
  });

  test('is its own while it lives, and left to the next one by a stop', async () => {
    const first = await startJournal();
    events(1, 3).forEach(first.journal.write);
    const second = startProcess();
    await second.outbox.keep();
    expect(second.outbox.isEmpty).toBe(true);
    await first.journal.close();
    await second.outbox.keep();
    expect(await takeAll(second.outbox)).toEqual([1, 2, 3]);
    expect(await foldersOf()).toEqual([]);
  });
});

describe('a folder that is taken away', () => {
  test.each([
    { name: 'by another process', take: (folder: string) => rename(folder, `${folder}0`) },
    { name: 'by somebody', take: (folder: string) => rm(folder, { recursive: true }) },
  ])('$name, has a successor with all that waits', async ({ take }) => {
    const { journal, refused } = await startJournal();
    const [sent, ...waiting] = events(1, 4);
    for (const event of [sent, ...waiting]) if (event !== undefined) journal.write(event);
    if (sent !== undefined) journal.forget([sent]);
    const [folder = ''] = await foldersOf();
    await take(folder);
    const others = await foldersOf();
    journal.rotate();
    events(5, 6).forEach(journal.write);
    expect(refused()).toBe(2);
    await journal.keep();
    events(7, 7).forEach(journal.write);
    const own = (await foldersOf()).filter((each) => !others.includes(each));
    const files = own.flatMap((each) => readdirSync(each).map((name) => path.join(each, name)));
    expect(files.flatMap((file) => decodeEvents(readFileSync(file)).events.map(numberOf))).toEqual([2, 3, 4, 7]);
  });
});

describe('a disk', () => {
  test('that has no folder for it keeps nothing back', async () => {
    const { journal, refused } = startProcess();
    events(1, 2).forEach(journal.write);
    expect(refused()).toBe(2);
    await journal.close();
  });

  test('that is not to be used is not touched', async () => {
    const { journal, refused } = await startJournal({ maxBytes: 0 });
    events(1, 2).forEach(journal.write);
    await journal.close();
    expect(refused()).toBe(0);
    expect(await readdir(dataDir)).toEqual([]);
  });

  test.skipIf(!canMount())('that is full is given up, without half a line, until there is room', async () => {
    const small = path.join(dataDir, 'small');
    await mkdir(small);
    asRoot('mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', small);
    try {
      const { journal, refused } = await startJournal({ folder: small });
      const all = events(1, 1000);
      all.forEach(journal.write);
      const taken = all.filter(journal.has);
      expect(taken.length).toBeGreaterThan(50);
      expect(refused()).toBe(1000 - taken.length);
      expect(onDisk(small)).toEqual({ numbers: taken.map(numberOf), files: 1, tornLines: 0 });
      asRoot('mount', '-o', 'remount,size=1m', small);
      await journal.keep();
      events(1001, 1002).forEach(journal.write);
      expect(onDisk(small).numbers.slice(-2)).toEqual([1001, 1002]);
      const [folder = ''] = await foldersOf(small);
      expect((await stat(folder)).mode & 0o777).toBe(0o700);
    } finally {
      asRoot('umount', '-l', small);
    }
  });
});
