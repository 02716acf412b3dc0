import {
  type Context,
  defaultTextMapGetter,
  ROOT_CONTEXT,
  type Span as OtelSpan,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer,
} from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import type { Resource } from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { Config } from '../../config/load.ts';
import { version } from '../../core/version.ts';
import type { Span } from '../span.ts';
import { createBoundedProcessor } from './bounded-processor.ts';
import type { Exporter, OtlpOptions } from '../otlp.ts';

const propagator = new W3CTraceContextPropagator();

/** Traces of requests, sent in batches. */
export function createTracer(
  { config, log, metrics }: OtlpOptions,
  resource: Resource,
  timeoutMs: number,
): Pick<Exporter, 'startRequest' | 'stop'> {
  const { otlp, traces } = config.telemetry;
  const url = otlp.traces_endpoint ?? `${otlp.endpoint?.replace(/\/$/, '') ?? ''}/v1/traces`;
  const provider = new TracerProvider({
    resource,
    sampler: samplerOf(traces),
    spanProcessors: [
      createBoundedProcessor({
        exporter: new OTLPTraceExporter({ url, timeoutMillis: timeoutMs }),
        maxQueueSize: traces.max_queue_size,
        flushMs: traces.flush_ms,
        timeoutMs,
        dropped: metrics.counter('signalbox_otel_spans_dropped_total'),
        log,
      }),
    ],
  });
  const tracer = provider.getTracer('signalbox', version);
  return {
    startRequest(name, attributes, headers) {
      const context = propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter);
      const span = tracer.startSpan(name, { kind: SpanKind.SERVER, attributes }, context);
      return span.isRecording() ? wrap(span, context, tracer, traces.to_providers) : null;
    },
    stop: () => provider.shutdown(),
  };
}

function wrap(span: OtelSpan, parent: Context, tracer: Tracer, passesOn: boolean): Span {
  const context = trace.setSpan(parent, span);
  return {
    set: (attributes) => void span.setAttributes(attributes),
    call: (name, attributes) =>
      wrap(tracer.startSpan(name, { kind: SpanKind.CLIENT, attributes }, context), context, tracer, passesOn),
    headers() {
      if (!passesOn) return null;
      const headers: Record<string, string> = {};
      propagator.inject(context, headers, { set: (carrier, name, value) => (carrier[name] = value) });
      return headers;
    },
    end(error) {
      if (error !== null) {
        span.setAttribute('error.type', error);
        span.setStatus({ code: SpanStatusCode.ERROR });
      }
      span.end();
    },
  };
}

function samplerOf({ sampler, sampler_arg: share }: Config['telemetry']['traces']): Sampler {
  const roots: Readonly<Record<string, () => Sampler>> = {
    always_on: () => new AlwaysOnSampler(),
    always_off: () => new AlwaysOffSampler(),
    traceidratio: () => new TraceIdRatioBasedSampler(share),
  };
  const root = (roots[sampler.replace('parentbased_', '')] ?? (() => new AlwaysOnSampler()))();
  return sampler.startsWith('parentbased_') ? new ParentBasedSampler({ root }) : root;
}
