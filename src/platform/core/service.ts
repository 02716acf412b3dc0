import type { Logger } from '../telemetry/logger.ts';

export interface HealthCheck {
  ok: boolean;
  detail?: string;
}

/** A part with a life: started once, stopped once. `stop` finishes what is under way and must not throw for it. */
export interface Service {
  readonly name: string;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Says that it will stop, and gives others the time to see it; everything still works. `stop` does so where nobody did. */
  leave?(): Promise<void>;
  health?(): HealthCheck;
}

/**
 * Several services as one: started in order, stopped in reverse order. If one fails to start, those before it are
 * stopped again and the error is thrown on.
 */
export function composeServices(name: string, parts: readonly Service[], log: Logger): Service {
  const started: Service[] = [];

  async function stop(): Promise<void> {
    for (let part = started.pop(); part !== undefined; part = started.pop()) {
      try {
        await part.stop();
        log.debug({ part: part.name }, 'stopped');
      } catch (error) {
        log.error({ part: part.name, err: error }, 'did not stop cleanly');
      }
    }
  }

  return {
    name,
    async start() {
      for (const part of parts) {
        try {
          await part.start();
        } catch (error) {
          await stop();
          throw error;
        }
        started.push(part);
      }
    },
    stop,
    async leave() {
      await Promise.all(started.map(async (part) => part.leave?.()));
    },
  };
}
