import { createRequire } from 'node:module';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadConfig } from '../../../src/platform/config/load.ts';
import { silentLogger } from '../../../src/platform/telemetry/logger.ts';
import { createMetrics } from '../../../src/platform/telemetry/metrics.ts';
import { createOtlp } from '../../../src/platform/telemetry/otlp.ts';
import { type Collector, startCollector } from '../../support/collector.ts';

const isLoaded = (name: string): boolean =>
  Object.keys(createRequire(import.meta.url).cache).some((file) => file.includes(`/node_modules/${name}/`));

let collector: Collector;
beforeEach(async () => {
  collector = await startCollector();
});
afterEach(() => collector.stop());

function otlpWith(env: Record<string, string>, flags: Record<string, unknown> = {}) {
  const config = loadConfig({ env, cwd: import.meta.dirname, flags });
  return createOtlp({ config, log: silentLogger(), metrics: createMetrics() });
}

test('without a collector there is nothing, and nothing of OpenTelemetry’s SDK in memory', async () => {
  // Loads whatever a process needs that sends nothing.
  await import('../../../src/app.ts');
  expect(otlpWith({})).toBeNull();
  expect(otlpWith({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_SDK_DISABLED: 'true' })).toBeNull();
  const none = { OTEL_TRACES_EXPORTER: 'none', OTEL_METRICS_EXPORTER: 'none' };
  expect(otlpWith({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, ...none })).toBeNull();
  // Of a machine whose other programs speak something else.
  expect(otlpWith({ OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_TRACES_SAMPLER: 'xray' })).toBeNull();
  expect(isLoaded('@opentelemetry/sdk-trace')).toBe(false);

  const otlp = otlpWith({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
  await otlp?.start();
  expect(isLoaded('@opentelemetry/sdk-trace')).toBe(true);
  await otlp?.stop();
});

test('a stop sends what waits', async () => {
  const otlp = otlpWith({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/v1/traces` });
  await otlp?.start();
  const span = otlp?.startRequest('POST /x', { 'http.route': '/x' }, {});
  // Providers hear of a trace only where that is wanted.
  expect(span?.call('chat m', {}).headers()).toBeNull();
  span?.end(null);
  expect(collector.spans).toEqual([]);
  await otlp?.stop();
  expect(collector.spans).toMatchObject([{ name: 'POST /x', kind: 'server', attributes: { 'http.route': '/x' } }]);
});

test('a stop does not wait for a collector that hangs longer than for requests', async () => {
  collector.isHanging = true;
  const otlp = otlpWith({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url }, { drain_timeout_ms: 100 });
  await otlp?.start();
  otlp?.startRequest('POST /x', {}, {})?.end(null);
  await otlp?.stop();
  expect(collector.spans).toEqual([]);
}, 5000);

test.each([
  ['always_off', null, 0],
  ['always_on', null, 100],
  ['traceidratio', null, 0],
  ['parentbased_always_off', '01', 100],
  ['parentbased_always_on', '00', 0],
])('the sampler %s, where the client says %s, traces %i of 100 requests', async (sampler, flag, traced) => {
  const otlp = otlpWith({
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_TRACES_SAMPLER: sampler,
    OTEL_TRACES_SAMPLER_ARG: '0',
  });
  await otlp?.start();
  const headers = flag === null ? {} : { traceparent: `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-${flag}` };
  const spans = Array.from({ length: 100 }, () => otlp?.startRequest('POST /x', {}, headers) ?? null);
  expect(spans.filter((span) => span !== null)).toHaveLength(traced);
  await otlp?.stop();
});
