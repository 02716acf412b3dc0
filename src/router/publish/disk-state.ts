import type { Logger } from '../../platform/telemetry/logger.ts';

/** Whether the disk does one thing that it is asked to. That it refuses is logged once, until it works again. */
export interface DiskState {
  works(): void;
  fails(error: unknown): void;
  /** Runs the work; undefined where the disk refused it. */
  attempt<T>(work: () => Promise<T>): Promise<T | undefined>;
}

export function createDiskState(what: 'outbox' | 'journal', use: 'written' | 'read' | 'kept', log: Logger): DiskState {
  let isFailing = false;

  function works(): void {
    if (isFailing) log.info(`the ${what} can be ${use} again`);
    isFailing = false;
  }

  function fails(error: unknown): void {
    if (!isFailing) log.error({ err: error }, `the ${what} cannot be ${use}`);
    isFailing = true;
  }

  return {
    works,
    fails,
    async attempt(work) {
      try {
        const result = await work();
        works();
        return result;
      } catch (error) {
        fails(error);
        return undefined;
      }
    },
  };
}
