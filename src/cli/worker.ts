// The program of one router worker; `app.ts` starts as many as are configured. Not for people: it speaks to its primary.
import { startApp } from '../app.ts';
import { connectToPrimary } from '../platform/cluster/primary.ts';
import { messageOf } from '../platform/core/errors.ts';
import { shareMetricsWithPrimary } from '../platform/telemetry/cluster-metrics.ts';
import { createLeveledLogger } from '../platform/telemetry/logger.ts';
import { createMetrics } from '../platform/telemetry/metrics.ts';
import { endOnCrash } from './run.ts';

// Both in one turn of the event loop: the primary may ask for metrics as soon as it is listened to.
const primary = connectToPrimary();
const metrics = createMetrics({ collectProcess: true, collectText: primary.collectMetrics });
shareMetricsWithPrimary(metrics);

const config = await primary.config;
const { log_level: level, instance_id: instanceId } = config.current();
const leveled = createLeveledLogger({ level });
config.onChange((now) => leveled.setLevel(now.log_level));
const log = leveled.log.child({ worker: instanceId });
endOnCrash(log);
try {
  const app = await startApp({
    config,
    services: ['router'],
    embeddedDatabase: false,
    simulator: false,
    isWorker: true,
    log,
    metrics,
  });
  primary.tell({ type: 'started', port: app.ports.router ?? 0 });
  const reason = await primary.stopRequested;
  log.debug({ reason }, 'stopping');
  await app.stop();
} catch (error) {
  primary.tell({ type: 'refused', reason: messageOf(error) });
  process.exitCode = 1;
}
primary.disconnect();
