import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { WorkerConfig } from './platform/cluster/messages.ts';
import { createWorkers } from './platform/cluster/workers.ts';
import type { LiveConfig } from './platform/config/live.ts';
import type { Live } from './platform/core/live.ts';
import type { Service } from './platform/core/service.ts';
import type { Provider } from './platform/providers/definitions.ts';
import type { Logger } from './platform/telemetry/logger.ts';

export interface RouterWorkersOptions {
  config: LiveConfig;
  providers: Live<readonly Provider[]>;
  connectionString: string;
  log: Logger;
}

/** Compiled, the program's name ends as that of this file does. */
const program = fileURLToPath(new URL('cli/worker.ts', import.meta.url));
const script = program.replace(/\.ts$/, path.extname(import.meta.filename));

/**
 * The router as several processes on one port, each a router of its own with an instance id of its own. They hear from
 * here of every change of the configuration: all of them take over the same one.
 */
export function createRouterWorkers(options: RouterWorkersOptions): Service & { port(): number } {
  const { config, log } = options;

  function configs(): WorkerConfig[] {
    const now = config.current();
    return Array.from({ length: now.workers }, (_, index) => ({
      config: {
        ...now,
        workers: 1,
        database_url: now.database_url ?? options.connectionString,
        providers: options.providers(),
        // The primary sends the demo's requests, once for all.
        demo: { ...now.demo, enabled: false },
        // A worker that is started again keeps its name, and so its queue of scores.
        instance_id: `${now.instance_id}-w${index + 1}`,
      },
      state: config.state(),
    }));
  }

  function drainMs(): number {
    const { drain_delay_ms: delayMs, drain_timeout_ms: timeoutMs } = config.current();
    return delayMs + timeoutMs;
  }

  const workers = createWorkers({ script, configs, drainTimeoutMs: drainMs, log });
  config.onChange(() => workers.reconfigure());
  return workers;
}
