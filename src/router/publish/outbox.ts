import { createReadStream } from 'node:fs';
import { type FileHandle, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { decodeEvents, type EncodedEvent } from './encoded-event.ts';
import { isMissing, type OutboxFolders, syncFolder } from './outbox-folders.ts';

/**
 * Events on disk, first in first out, that outlast this process. What `append` has stored is on the disk. Every method
 * may throw the file system's error; nothing is lost by it, and the same call may succeed later.
 */
export interface Outbox {
  readonly isEmpty: boolean;
  readonly bytes: number;
  readonly events: number;
  /** Stores as many of the events, from the first on, as there is room for; says how many. */
  append(events: readonly EncodedEvent[]): Promise<number>;
  /** The oldest events, at most `count`; they stay until `remove`. */
  peek(count: number): Promise<readonly EncodedEvent[]>;
  remove(count: number): Promise<void>;
  /** Takes over what dead processes left, and shows that this one lives. */
  keep(): Promise<void>;
  /** Leaves what is stored to the next process. */
  close(): Promise<void>;
}

export interface OutboxOptions {
  folders: OutboxFolders;
  /** 0 stores nothing. */
  maxBytes: number;
  /** A stored event had to make room. */
  onDropped(event: EncodedEvent): void;
  onTornLines(count: number): void;
}

/** One file of JSON lines. */
interface Segment {
  folder: string;
  file: string;
  bytes: number;
  events: number;
  /** Holds outcomes alone: there is nothing in it to drop. */
  isCompacted: boolean;
}

/** Read whole, in one turn of the event loop. */
const largestSegmentBytes = 512 * 1024;

/**
 * The events lie in segments, so that what was sent frees its room soon, and a crash repeats no more than one segment.
 * When there is no room, `routed` events in the oldest segments are dropped for what is new.
 */
export function createOutbox(options: OutboxOptions): Outbox {
  const { folders, maxBytes } = options;
  const segmentBytes = Math.min(largestSegmentBytes, Math.ceil(maxBytes / 8));
  let segments: Segment[] = [];
  let ownFolder: string | null = null;
  let madeSegments = 0;
  /** The newest segment while it may still grow. */
  let tail: { segment: Segment; handle: FileHandle } | null = null;
  /** The oldest segment while its events are being sent. */
  let head: { segment: Segment; events: readonly EncodedEvent[]; sent: number } | null = null;

  let last: Promise<unknown> = Promise.resolve();
  /** One operation after the other: those of the sender and of the writer meet in the same files. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = last.then(work);
    last = result.catch(() => undefined);
    return result;
  }

  function totalBytes(): number {
    return segments.reduce((sum, segment) => sum + segment.bytes, 0);
  }

  async function seal(): Promise<void> {
    const handle = tail?.handle;
    tail = null;
    await handle?.close();
  }

  async function openTail(): Promise<{ segment: Segment; handle: FileHandle }> {
    if (tail !== null && tail.segment.bytes < segmentBytes) return tail;
    await seal();
    const folder = (ownFolder ??= await folders.create('outbox'));
    madeSegments += 1;
    const file = path.join(folder, `${String(madeSegments).padStart(9, '0')}.jsonl`);
    try {
      tail = {
        segment: { folder, file, bytes: 0, events: 0, isCompacted: false },
        handle: await open(file, 'ax', 0o600),
      };
      return tail;
    } catch (error) {
      if (isMissing(error)) forgetFolder(folder);
      throw error;
    }
  }

  /** Another process holds the folder now, or somebody removed it: what was in it is no longer ours to send. */
  function forgetFolder(folder: string): void {
    segments = segments.filter((segment) => segment.folder !== folder);
    if (head?.segment.folder === folder) head = null;
    if (ownFolder === folder) ownFolder = null;
  }

  async function write(lines: readonly Buffer[]): Promise<void> {
    const { segment, handle } = await openTail();
    try {
      await handle.appendFile(Buffer.concat(lines));
      await handle.datasync();
      if (segment.bytes === 0) await syncFolder(segment.folder);
      // Whoever took the folder over before this may not have seen what was written.
      await stat(segment.file);
    } catch (error) {
      if (isMissing(error)) forgetFolder(segment.folder);
      // The line that the disk refused must not become part of the next one.
      await handle.truncate(segment.bytes).catch(() => undefined);
      await seal().catch(() => undefined);
      if (segment.bytes === 0) await rm(segment.file, { force: true }).catch(() => undefined);
      throw error;
    }
    if (segment.bytes === 0) segments.push(segment);
    segment.bytes += sizeOf(lines);
    segment.events += lines.length;
  }

  /** Drops the oldest `routed` events until there is room, or none are left. */
  async function makeRoom(neededBytes: number): Promise<void> {
    const candidates = segments.filter((segment) => !segment.isCompacted && segment !== head?.segment);
    for (const segment of candidates) {
      if (totalBytes() + neededBytes <= maxBytes) return;
      await compact(segment);
    }
  }

  async function compact(segment: Segment): Promise<void> {
    if (tail?.segment === segment) await seal();
    const events = await read(segment);
    if (events === undefined) return;
    const kept = events.filter((event) => event.outcome !== 'routed');
    const content = Buffer.concat(kept.map(({ line }) => line));
    const file = `${segment.file}.new`;
    const handle = await open(file, 'w', 0o600);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(file, segment.file);
    Object.assign(segment, {
      bytes: content.length,
      events: kept.length,
      isCompacted: true,
    } satisfies Partial<Segment>);
    for (const event of events) if (event.outcome === 'routed') options.onDropped(event);
  }

  /** Undefined where the file is gone. */
  async function read(segment: Segment): Promise<readonly EncodedEvent[] | undefined> {
    try {
      const { events, tornLines } = decodeEvents(await readFile(segment.file));
      if (tornLines > 0) options.onTornLines(tornLines);
      return events;
    } catch (error) {
      if (!isMissing(error)) throw error;
      forgetFolder(segment.folder);
      return undefined;
    }
  }

  async function loadHead(): Promise<NonNullable<typeof head> | null> {
    for (;;) {
      if (head !== null && head.sent < head.events.length) return head;
      if (head !== null) await dropHead();
      const [segment] = segments;
      if (segment === undefined) return null;
      if (tail?.segment === segment) await seal();
      const events = await read(segment);
      if (events === undefined) continue;
      segment.events = events.length;
      head = { segment, events, sent: 0 };
    }
  }

  /** Forgets the segment before its file goes: one that cannot be removed is sent again by the next process at most. */
  async function dropHead(): Promise<void> {
    const segment = head?.segment;
    if (segment === undefined) return;
    head = null;
    segments = segments.filter((other) => other !== segment);
    if (segments.some(({ folder }) => folder === segment.folder)) {
      await rm(segment.file, { force: true });
      return;
    }
    if (ownFolder === segment.folder) ownFolder = null;
    await folders.remove(segment.folder);
  }

  /** What others left is older than what this process stored. */
  async function adopt(folder: string): Promise<void> {
    const names = (await readdir(folder)).filter((name) => name.endsWith('.jsonl')).sort();
    const found: Segment[] = [];
    for (const name of names) {
      const file = path.join(folder, name);
      found.push({ folder, file, ...(await measure(file)), isCompacted: false });
    }
    if (found.length === 0) return folders.remove(folder);
    const firstOwn = segments.findIndex((segment) => segment.folder === ownFolder && segment !== head?.segment);
    segments = segments.toSpliced(firstOwn === -1 ? segments.length : firstOwn, 0, ...found);
  }

  function heldFolders(): Set<string> {
    return new Set([...segments.map((segment) => segment.folder), ...(ownFolder === null ? [] : [ownFolder])]);
  }

  return {
    get isEmpty() {
      return segments.length === 0;
    },
    get bytes() {
      return totalBytes();
    },
    get events() {
      return segments.reduce((sum, segment) => sum + segment.events, 0) - (head?.sent ?? 0);
    },
    append: (events) =>
      inTurn(async () => {
        if (maxBytes === 0 || events.length === 0) return 0;
        const lines = events.map(({ line }) => line);
        if (totalBytes() + sizeOf(lines) > maxBytes) await makeRoom(sizeOf(lines));
        const fitting = firstWithin(lines, maxBytes - totalBytes());
        if (fitting.length > 0) await write(fitting);
        return fitting.length;
      }),
    peek: (count) =>
      inTurn(async () => {
        const loaded = await loadHead();
        return loaded === null ? [] : loaded.events.slice(loaded.sent, loaded.sent + count);
      }),
    remove: (count) =>
      inTurn(async () => {
        if (head === null) return;
        head.sent += count;
        if (head.sent >= head.events.length) await dropHead();
      }),
    keep: () =>
      inTurn(async () => {
        for (const folder of heldFolders()) await folders.keep(folder);
        const errors: unknown[] = [];
        for await (const folder of folders.claimAbandoned()) {
          try {
            await adopt(folder);
          } catch (error) {
            errors.push(error);
            await folders.release(folder);
          }
        }
        // Not before: one folder that cannot be read must not keep back those behind it.
        if (errors.length > 0) throw errors[0];
      }),
    close: () =>
      inTurn(async () => {
        await seal();
        const held = heldFolders();
        for (const folder of held) {
          if (segments.some((segment) => segment.folder === folder)) await folders.release(folder);
          else await folders.remove(folder);
          forgetFolder(folder);
        }
      }),
  };
}

function sizeOf(lines: readonly Buffer[]): number {
  return lines.reduce((sum, line) => sum + line.length, 0);
}

function firstWithin(lines: readonly Buffer[], bytes: number): readonly Buffer[] {
  let left = bytes;
  const tooMany = lines.findIndex((line) => {
    left -= line.length;
    return left < 0;
  });
  return tooMany === -1 ? lines : lines.slice(0, tooMany);
}

/** Counts lines without reading them all into memory at once. */
async function measure(file: string): Promise<{ bytes: number; events: number }> {
  let bytes = 0;
  let events = 0;
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    for (const byte of chunk) if (byte === 0x0a) events += 1;
  }
  return { bytes, events };
}
