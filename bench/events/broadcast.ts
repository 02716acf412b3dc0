import { publishScores } from '../../src/central/broadcast/publish-scores.ts';
import { sleep } from '../../src/platform/core/clock.ts';
import { createPool, type Pool, withTransaction } from '../../src/platform/postgres/pool.ts';
import type { Provider } from '../../src/platform/providers/definitions.ts';
import { silentLogger } from '../../src/platform/telemetry/logger.ts';
import { createMetrics } from '../../src/platform/telemetry/metrics.ts';
import { createSnapshotService } from '../../src/router/snapshot/snapshot-service.ts';

/** Time between two updates, so that each finds the instances at rest. */
const pauseMs = 60;

/**
 * Milliseconds from the commit of a new score until the last of so many instances decides by it. They share this process
 * and its thread, which real ones do not.
 */
export async function measureBroadcast(
  pool: Pool,
  connectionString: string,
  { instances, updates }: { instances: number; updates: number },
): Promise<number[]> {
  const log = silentLogger();
  const noProviders: readonly Provider[] = [];
  const shared = createPool({ connectionString, applicationName: 'bench instances', max: instances, log });
  const services = Array.from({ length: instances }, (_, index) =>
    createSnapshotService({
      pool: shared,
      connectionString,
      instanceId: `bench-${index}`,
      providers: () => noProviders,
      masterKey: () => undefined,
      usesPredictor: () => true,
      configVersion: () => ({ configVersion: null, configHash: null }),
      log,
      metrics: createMetrics(),
    }),
  );
  try {
    await Promise.all(services.map((service) => service.start()));
    const times: number[] = [];
    // The first ones only warm up.
    for (let update = -10; update < updates; update += 1) {
      const before = Math.max(...services.map((service) => service.current().scoreSequence));
      await withTransaction(pool, (client) =>
        publishScores(client, [
          {
            model: `model-${update % 20}`,
            complexity: 'medium',
            oldScore: 3,
            newScore: 4,
            priorScore: 3,
            sampleSize: 100,
            successRate: 0.9,
            avgResponseTimeMs: null,
            p95Ms: null,
            interval: [3.5, 4.5],
            strength: 100,
            reason: 'a benchmark',
          },
        ]),
      );
      const committedAtMs = performance.now();
      while (services.some((service) => service.current().scoreSequence <= before)) await sleep(1);
      if (update >= 0) times.push(performance.now() - committedAtMs);
      await sleep(pauseMs);
    }
    return times;
  } finally {
    await Promise.all(services.map((service) => service.stop()));
    await shared.end();
  }
}
