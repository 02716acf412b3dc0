import { z } from 'zod';
import { milliseconds } from './milliseconds.ts';

const address = z.url({ protocol: /^https?$/ });
const exporter = z.enum(['otlp', 'none']).default('otlp');

/** Where traces and metrics are sent. The names and defaults are those of OpenTelemetry. */
export const telemetrySchema = z.strictObject({
  otlp: z
    .strictObject({
      endpoint: address
        .optional()
        .describe('A collector; without one nothing is sent. /v1/traces and /v1/metrics lie below it.'),
      traces_endpoint: address.optional().describe('For traces, in the place of endpoint, and just as it is.'),
      metrics_endpoint: address.optional().describe('For metrics, in the place of endpoint, and just as it is.'),
      protocol: z.enum(['http/protobuf']).default('http/protobuf').describe('What the collector is spoken to in.'),
      timeout_ms: milliseconds.default(10_000).describe('How long it may take to take what it is sent.'),
      disabled: z.boolean().default(false).describe('Sends nothing, whatever else is set.'),
    })
    .prefault({}),
  traces: z
    .strictObject({
      exporter,
      sampler: z
        .enum([
          'always_on',
          'always_off',
          'traceidratio',
          'parentbased_always_on',
          'parentbased_always_off',
          'parentbased_traceidratio',
        ])
        .default('parentbased_always_on')
        .describe(
          'Which requests are traced; parentbased does as the traceparent of the client says, where it sends one.',
        ),
      sampler_arg: z.number().min(0).max(1).default(1).describe('Of traceidratio: the share of requests.'),
      max_queue_size: z
        .int()
        .min(1)
        .max(1_000_000)
        .default(2048)
        .describe('Spans that wait at the most; further ones are dropped.'),
      flush_ms: milliseconds.default(5000).describe('Longest wait of a span.'),
      to_providers: z
        .boolean()
        .default(false)
        .describe('Passes traceparent on to providers, so that what they trace joins in.'),
    })
    .prefault({}),
  metrics: z
    .strictObject({ exporter, interval_ms: milliseconds.default(60_000).describe('How often they are sent.') })
    .prefault({}),
});
