import type { Logger } from '../../platform/telemetry/logger.ts';

/** Whether the disk does one thing that it is asked to. */
export interface DiskState {
  /** Runs the work; undefined where the disk refused it, which is logged once until the disk works again. */
  attempt<T>(work: () => Promise<T>): Promise<T | undefined>;
}

export function createDiskState(use: 'written' | 'read' | 'kept', log: Logger): DiskState {
  let isFailing = false;
  return {
    async attempt(work) {
      try {
        const result = await work();
        if (isFailing) log.info(`the outbox can be ${use} again`);
        isFailing = false;
        return result;
      } catch (error) {
        if (!isFailing) log.error({ err: error }, `the outbox cannot be ${use}`);
        isFailing = true;
        return undefined;
      }
    },
  };
}
