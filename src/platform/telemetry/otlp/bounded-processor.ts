import { ExportResultCode } from '@opentelemetry/core';
import { BatchSpanProcessor, type SpanExporter, type SpanProcessor } from '@opentelemetry/sdk-trace';
import type { Logger } from '../logger.ts';
import type { Counter } from '../metrics.ts';

export interface BoundedProcessorOptions {
  exporter: SpanExporter;
  maxQueueSize: number;
  flushMs: number;
  /** Of one batch. */
  timeoutMs: number;
  dropped: Counter<'reason'>;
  log: Logger;
}

/** OpenTelemetry's own processor of batches, which bounds what waits but keeps to itself how much it drops. */
export function createBoundedProcessor(options: BoundedProcessorOptions): SpanProcessor {
  const { exporter, maxQueueSize, dropped, log } = options;
  for (const reason of ['queue_full', 'export_failed']) dropped.inc({ reason }, 0);
  let waiting = 0;
  let isFailing = false;
  const batches = new BatchSpanProcessor({
    maxQueueSize,
    maxExportBatchSize: Math.min(512, maxQueueSize),
    scheduledDelayMillis: options.flushMs,
    exportTimeoutMillis: options.timeoutMs,
    exporter: {
      export(spans, done) {
        waiting -= spans.length;
        exporter.export(spans, (result) => {
          const failed = result.code !== ExportResultCode.SUCCESS;
          if (failed) dropped.inc({ reason: 'export_failed' }, spans.length);
          if (failed !== isFailing) {
            isFailing = failed;
            if (failed)
              log.warn({ reason: result.error?.message }, 'the collector does not take spans; they are dropped');
            else log.info('the collector takes spans again');
          }
          done(result);
        });
      },
      shutdown: () => exporter.shutdown(),
    },
  });
  return {
    onStart: () => undefined,
    onEnd(span) {
      if (waiting >= maxQueueSize) {
        dropped.inc({ reason: 'queue_full' });
        return;
      }
      waiting += 1;
      batches.onEnd(span);
    },
    forceFlush: () => batches.forceFlush(),
    async shutdown() {
      await batches.forceFlush();
      // Of batches under way, which the next step would cut off.
      await exporter.forceFlush?.();
      await batches.shutdown();
    },
  };
}
