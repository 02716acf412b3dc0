import { Worker } from 'node:worker_threads';
import type { Check } from '../../contracts/race-options.ts';
import type { Service } from '../../platform/core/service.ts';
import { UnusableCheck } from './checks.ts';

export interface VerifyRequest {
  id: number;
  checks: readonly Check[];
  /** Null: only whether the checks can be used. */
  text: string | null;
}

export interface VerifyAnswer {
  id: number;
  problem: string | null;
  unusable: { index: number; message: string } | null;
}

/** Checks answers in a thread of its own: whatever a client asks for, the router goes on meanwhile. */
export interface Verifier extends Service {
  /** Throws an UnusableCheck where one of the checks is none, or takes too long to be read. */
  accepts(checks: readonly Check[]): Promise<void>;
  /** Why the text does not pass, without a word of it; null where it does. */
  verify(checks: readonly Check[], text: string): Promise<string | null>;
}

/** What a check that is longer at it has coming. */
const limitMs = 500;
/** The thread itself may take its time to start, which is no fault of the check that waits for it. */
const startLimitMs = 10_000;
/** Checks that wait. Beyond them answers count as not checked, and so as not valid. */
const mostWaiting = 1000;
const tooLong = 'takes too long to be checked';

interface Waiting {
  request: VerifyRequest;
  answered(answer: VerifyAnswer): void;
}

export function createVerifier(): Verifier {
  const queue: Waiting[] = [];
  let worker: Worker | null = null;
  let isReady = false;
  let current: Waiting | null = null;
  let timer: NodeJS.Timeout | undefined;
  let lastId = 0;

  function startWorker(): Worker {
    // Sources run as they are, and built.
    const file = import.meta.url.endsWith('.ts') ? './verify-worker.ts' : './verify-worker.js';
    const started = new Worker(new URL(file, import.meta.url));
    started.unref();
    isReady = false;
    started.on('message', (message: VerifyAnswer | 'ready') => {
      if (started !== worker) return;
      if (message === 'ready') {
        isReady = true;
        if (current !== null) limit();
      } else if (message.id === current?.request.id) {
        finish(message);
      }
    });
    started.on('error', () => replaceWorker());
    return started;
  }

  /** One by one, so that the time of each is its own. */
  function next(): void {
    if (current !== null) return;
    const waiting = queue.shift();
    if (waiting === undefined) return;
    current = waiting;
    worker ??= startWorker();
    limit();
    worker.postMessage(waiting.request);
  }

  function limit(): void {
    clearTimeout(timer);
    timer = setTimeout(replaceWorker, isReady ? limitMs : startLimitMs);
  }

  function finish(answer: VerifyAnswer): void {
    clearTimeout(timer);
    const done = current;
    current = null;
    done?.answered(answer);
    next();
  }

  function replaceWorker(): void {
    void worker?.terminate();
    worker = null;
    if (current !== null) finish({ id: current.request.id, problem: tooLong, unusable: null });
  }

  function ask(checks: readonly Check[], text: string | null): Promise<VerifyAnswer> {
    lastId += 1;
    const request = { id: lastId, checks, text };
    if (queue.length >= mostWaiting) return Promise.resolve({ id: lastId, problem: tooLong, unusable: null });
    return new Promise((resolve) => {
      queue.push({ request, answered: resolve });
      next();
    });
  }

  return {
    name: 'verifier',
    // The thread starts with the first check.
    start: () => Promise.resolve(),
    async stop() {
      for (const { request, answered } of queue.splice(0))
        answered({ id: request.id, problem: tooLong, unusable: null });
      const ended = worker?.terminate();
      replaceWorker();
      await ended;
    },
    async accepts(checks) {
      const { unusable, problem } = await ask(checks, null);
      if (unusable !== null) throw new UnusableCheck(unusable.index, unusable.message);
      if (problem !== null) throw new UnusableCheck(0, problem);
    },
    async verify(checks, text) {
      const { problem, unusable } = await ask(checks, text);
      return unusable === null ? problem : 'could not be checked';
    },
  };
}
