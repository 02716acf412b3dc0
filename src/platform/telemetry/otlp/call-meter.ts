import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import type { Resource } from '@opentelemetry/resources';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import type { Config } from '../../config/load.ts';
import { version } from '../../core/version.ts';
import type { Exporter } from '../otlp.ts';

/** As the GenAI conventions advise. */
const buckets = {
  seconds: [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92],
  firstToken: [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
  perToken: [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5],
  tokens: [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864],
};

/** The metrics of the GenAI conventions, of each call of a model. */
export function createCallMeter(
  { otlp, metrics }: Config['telemetry'],
  resource: Resource,
  timeoutMs: number,
): Pick<Exporter, 'measure' | 'stop'> {
  const provider = new MeterProvider({
    resource,
    readers: [
      new PeriodicExportingMetricReader({
        exporter: new OTLPMetricExporter({
          url: otlp.metrics_endpoint ?? `${otlp.endpoint?.replace(/\/$/, '') ?? ''}/v1/metrics`,
          timeoutMillis: timeoutMs,
        }),
        exportIntervalMillis: metrics.interval_ms,
        exportTimeoutMillis: Math.min(timeoutMs, metrics.interval_ms),
      }),
    ],
  });
  const meter = provider.getMeter('signalbox', version);
  const histogram = (name: string, unit: string, description: string, explicitBucketBoundaries: number[]) =>
    meter.createHistogram(name, { unit, description, advice: { explicitBucketBoundaries } });
  const duration = histogram('gen_ai.client.operation.duration', 's', 'GenAI operation duration.', buckets.seconds);
  const usage = histogram('gen_ai.client.token.usage', '{token}', 'Input and output tokens used.', buckets.tokens);
  const firstToken = histogram(
    'gen_ai.server.time_to_first_token',
    's',
    'Time to the first token of streams.',
    buckets.firstToken,
  );
  const perToken = histogram(
    'gen_ai.server.time_per_output_token',
    's',
    'Time per output token of streams, after the first.',
    buckets.perToken,
  );
  return {
    measure({ attributes, durationS, timeToFirstTokenS, timePerOutputTokenS, tokens }) {
      duration.record(durationS, attributes);
      if (timeToFirstTokenS !== null) firstToken.record(timeToFirstTokenS, attributes);
      if (timePerOutputTokenS !== null) perToken.record(timePerOutputTokenS, attributes);
      if (tokens === null) return;
      usage.record(tokens.input, { ...attributes, 'gen_ai.token.type': 'input' });
      usage.record(tokens.output, { ...attributes, 'gen_ai.token.type': 'output' });
    },
    stop: () => provider.shutdown(),
  };
}
