import type { IncomingHttpHeaders } from 'node:http';
import type { Config } from '../config/load.ts';
import type { Service } from '../core/service.ts';
import type { Logger } from './logger.ts';
import type { Metrics } from './metrics.ts';
import type { Span, SpanAttributes } from './span.ts';

/** A call of a model that has ended, as it is measured. Times in seconds. */
export interface MeasuredCall {
  attributes: SpanAttributes;
  durationS: number;
  timeToFirstTokenS: number | null;
  timePerOutputTokenS: number | null;
  /** As the provider counted them; null where it did not. */
  tokens: { input: number; output: number } | null;
}

/** What sends traces and metrics once it has started. */
export interface Exporter {
  /** Null where the request is not traced. */
  startRequest(name: string, attributes: SpanAttributes, headers: IncomingHttpHeaders): Span | null;
  measure(call: MeasuredCall): void;
  /** Sends what is left, within the time that sending may take. */
  stop(): Promise<void>;
}

export interface OtlpOptions {
  config: Pick<Config, 'telemetry' | 'instance_id' | 'drain_timeout_ms'>;
  log: Logger;
  metrics: Metrics;
}

/** Traces and metrics on their way to an OpenTelemetry collector. */
export type Otlp = Service & Pick<Exporter, 'startRequest' | 'measure'>;

/** Null where no collector is configured: then nothing of OpenTelemetry is loaded, and no request does more for it. */
export function createOtlp(options: OtlpOptions): Otlp | null {
  const { otlp, traces, metrics } = options.config.telemetry;
  const sendsTraces = traces.exporter === 'otlp' && (otlp.endpoint ?? otlp.traces_endpoint) !== undefined;
  const sendsMetrics = metrics.exporter === 'otlp' && (otlp.endpoint ?? otlp.metrics_endpoint) !== undefined;
  if (otlp.disabled || (!sendsTraces && !sendsMetrics)) return null;
  let exporter: Exporter | undefined;
  return {
    name: 'OpenTelemetry',
    async start() {
      const { startExporter } = await import('./otlp/exporter.ts');
      exporter = startExporter(options, { sendsTraces, sendsMetrics });
    },
    startRequest: (name, attributes, headers) => exporter?.startRequest(name, attributes, headers) ?? null,
    measure: (call) => exporter?.measure(call),
    async stop() {
      await exporter?.stop();
    },
  };
}
