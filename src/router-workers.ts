import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createWorkers } from './platform/cluster/workers.ts';
import type { Config } from './platform/config/load.ts';
import type { Service } from './platform/core/service.ts';
import type { Provider } from './platform/providers/definitions.ts';
import type { Logger } from './platform/telemetry/logger.ts';

export interface RouterWorkersOptions {
  config: Config;
  providers: readonly Provider[];
  connectionString: string;
  log: Logger;
}

/** Compiled, the program's name ends as that of this file does. */
const program = fileURLToPath(new URL('cli/worker.ts', import.meta.url));
const script = program.replace(/\.ts$/, path.extname(import.meta.filename));

/** The router as several processes on one port, each a router of its own with an instance id of its own. */
export function createRouterWorkers(options: RouterWorkersOptions): Service & { port(): number } {
  const { config, log } = options;
  const shared: Config = {
    ...config,
    workers: 1,
    database_url: options.connectionString,
    providers: options.providers,
    // The primary sends the demo's requests, once for all.
    demo: { ...config.demo, enabled: false },
  };
  return createWorkers({
    script,
    // A worker that is started again keeps its name, and so its queue of scores.
    configs: Array.from({ length: config.workers }, (_, index) => ({
      ...shared,
      instance_id: `${config.instance_id}-w${index + 1}`,
    })),
    drainTimeoutMs: config.drain_timeout_ms,
    log,
  });
}
