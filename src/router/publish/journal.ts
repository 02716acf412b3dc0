import { close, ftruncateSync, openSync, writeSync } from 'node:fs';
import { unlink } from 'node:fs/promises';
import path from 'node:path';
import type { DiskState } from './disk-state.ts';
import type { EncodedEvent } from './encoded-event.ts';
import { isMissing, type OutboxFolders } from './outbox-folders.ts';

/**
 * The events that wait in memory, once more in files: these outlast `kill -9`, though no loss of power, since nothing waits
 * for the disk itself. What a dead process leaves is taken over as an outbox is. No method throws, but `close` may throw the
 * file system's error.
 */
export interface Journal {
  /** Makes its folder, anew where that is gone, and shows that this process lives; to be done every few seconds. */
  keep(): Promise<void>;
  /** Takes an event before it returns, unless the disk refuses it. */
  write(event: EncodedEvent): void;
  /** What is written from now on goes to another file, so that this one can go as soon as its events are sent. */
  rotate(): void;
  /** Events that are safe elsewhere, or given up. */
  forget(events: readonly EncodedEvent[]): void;
  has(event: EncodedEvent): boolean;
  /** Leaves what was not forgotten to the next process. */
  close(): Promise<void>;
}

export interface JournalOptions {
  folders: OutboxFolders;
  /** Of all files together; 0 takes nothing. */
  maxBytes: number;
  state: DiskState;
  /** An event is in memory alone. */
  onRefused(): void;
}

interface JournalFile {
  path: string;
  descriptor: number;
  bytes: number;
  /** Events in it that are not forgotten. */
  waiting: number;
}

/** A file is read whole by whoever takes it over. */
const largestFileBytes = 512 * 1024;

export function createJournal({ folders, maxBytes, state, onRefused }: JournalOptions): Journal {
  const fileBytes = Math.min(largestFileBytes, Math.ceil(maxBytes / 8));
  const files = new Set<JournalFile>();
  const fileOf = new Map<EncodedEvent, JournalFile>();
  const removals = new Set<Promise<void>>();
  let folder: string | null = null;
  /** The newest file while it may still grow. */
  let tail: JournalFile | null = null;
  let madeFiles = 0;
  let totalBytes = 0;
  /** From a refusal on until the next `keep`: a disk that is full is not asked for each event. */
  let isGivenUp = false;

  function openTail(ownFolder: string): JournalFile {
    if (tail !== null && tail.bytes < fileBytes) return tail;
    seal();
    madeFiles += 1;
    const file = path.join(ownFolder, `${String(madeFiles).padStart(9, '0')}.jsonl`);
    tail = { path: file, descriptor: openSync(file, 'ax', 0o600), bytes: 0, waiting: 0 };
    files.add(tail);
    return tail;
  }

  function seal(): void {
    if (tail === null) return;
    const file = tail;
    tail = null;
    close(file.descriptor, (error) => {
      if (error !== null) state.fails(error);
    });
    if (file.waiting === 0) discard(file);
  }

  /** One that cannot be removed is sent again by the next process, at most. */
  function discard(file: JournalFile): void {
    if (file === tail) return seal();
    files.delete(file);
    totalBytes -= file.bytes;
    const removal = unlink(file.path).catch((error: unknown) => {
      if (!isMissing(error)) state.fails(error);
    });
    removals.add(removal);
    void removal.then(() => removals.delete(removal));
  }

  function append(event: EncodedEvent, ownFolder: string): void {
    const { line } = event;
    const bytes = line.length;
    if (totalBytes + bytes > maxBytes) throw new Error(`it has its largest size, ${maxBytes} bytes`);
    const file = openTail(ownFolder);
    // Synchronous, since the event has to be there when its answer is sent; into the memory of the system, in microseconds.
    if (writeSync(file.descriptor, line) < bytes) throw new Error('there is no room for a whole event');
    file.bytes += bytes;
    totalBytes += bytes;
    file.waiting += 1;
    fileOf.set(event, file);
  }

  function giveUp(error: unknown): void {
    isGivenUp = true;
    state.fails(error);
    if (tail === null) return;
    try {
      // What the disk took of the line must not become part of the next one; nor is a torn one more than skipped.
      ftruncateSync(tail.descriptor, tail.bytes);
    } catch {
      // It was said above that the disk refuses.
    }
    seal();
  }

  function write(event: EncodedEvent): void {
    if (maxBytes === 0) return;
    if (folder === null || isGivenUp) return onRefused();
    try {
      append(event, folder);
      state.works();
    } catch (error) {
      giveUp(error);
      onRefused();
    }
  }

  /** What lay in another folder is another process's now, or gone; events that still wait are written again. */
  function moveTo(next: string): void {
    const waiting = [...fileOf.keys()];
    seal();
    files.clear();
    fileOf.clear();
    totalBytes = 0;
    folder = next;
    isGivenUp = false;
    waiting.forEach(write);
  }

  return {
    async keep() {
      if (maxBytes === 0) return;
      try {
        if (folder !== null && (await folders.keep(folder))) isGivenUp = false;
        else moveTo(await folders.create('journal'));
      } catch (error) {
        state.fails(error);
      }
    },
    write,
    rotate() {
      // One at a time: where sending fails, each round would leave a small file.
      if (files.size === 1) seal();
    },
    forget(events) {
      for (const event of events) {
        const file = fileOf.get(event);
        if (file === undefined) continue;
        fileOf.delete(event);
        file.waiting -= 1;
        if (file.waiting === 0) discard(file);
      }
    },
    has: (event) => fileOf.has(event),
    async close() {
      const own = folder;
      folder = null;
      seal();
      await Promise.all(removals);
      if (own === null) return;
      await (files.size > 0 ? folders.release(own) : folders.remove(own));
    },
  };
}
