import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { version } from '../../core/version.ts';
import { createCallMeter } from './call-meter.ts';
import type { Exporter, OtlpOptions } from '../otlp.ts';
import { createTracer } from './tracer.ts';

/** Starts what is to be sent. Headers, certificates and attributes of the resource come from the standard variables. */
export function startExporter(
  options: OtlpOptions,
  { sendsTraces, sendsMetrics }: { sendsTraces: boolean; sendsMetrics: boolean },
): Exporter {
  const { config } = options;
  const resource = defaultResource()
    .merge(
      resourceFromAttributes({
        'service.name': 'signalbox',
        'service.version': version,
        'service.instance.id': config.instance_id,
      }),
    )
    .merge(detectResources({ detectors: [envDetector] }));
  // A stop must not take longer than it may, whatever the collector does.
  const timeoutMs = Math.min(config.telemetry.otlp.timeout_ms, config.drain_timeout_ms);
  const tracer = sendsTraces ? createTracer(options, resource, timeoutMs) : null;
  const meter = sendsMetrics ? createCallMeter(config.telemetry, resource, timeoutMs) : null;
  return {
    startRequest: (name, attributes, headers) => tracer?.startRequest(name, attributes, headers) ?? null,
    measure: (call) => meter?.measure(call),
    async stop() {
      // What cannot be sent any more is counted where it is dropped, and is no reason not to stop.
      await Promise.allSettled([tracer?.stop(), meter?.stop()]);
    },
  };
}
