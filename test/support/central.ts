import { createCentral } from '../../src/central/central.ts';
import { createLiveConfig } from '../../src/platform/config/live.ts';
import { loadConfig } from '../../src/platform/config/load.ts';
import { silentLogger } from '../../src/platform/telemetry/logger.ts';
import { createMetrics } from '../../src/platform/telemetry/metrics.ts';
import type { TestDatabase } from './postgres.ts';

export type Central = ReturnType<typeof createCentral>;

/** A started central, on a free port, that looks at the queue once, when it starts: tests consume themselves. */
export async function startIdleCentral(database: TestDatabase, masterKey: string): Promise<Central> {
  const central = createCentral({
    pool: database.pool,
    // A listener that hears nothing: it is connected to another database.
    connectionString: new URL('/postgres', database.connectionString).href,
    config: createLiveConfig(
      loadConfig({
        env: {},
        cwd: '/',
        flags: { ports: { central: 0 }, master_key: masterKey, consumer: { poll_ms: 3_600_000 } },
      }),
    ),
    log: silentLogger(),
    metrics: createMetrics(),
  });
  await central.start();
  return central;
}
