import type { MetricDefinitions } from './definition.ts';

const service = 'registry';

export const registryMetrics = {
  signalbox_registry_models: {
    service,
    type: 'gauge',
    unit: 'count',
    help: 'Models on offer.',
    labels: ['provider', 'status'],
  },
  signalbox_registry_unknown_price_models: {
    service,
    type: 'gauge',
    unit: 'count',
    help: 'Models on offer whose price is not known.',
    labels: ['provider'],
  },
  signalbox_registry_provider_healthy: {
    service,
    type: 'gauge',
    unit: 'flag',
    help: '1 while a provider is healthy, else 0.',
    labels: ['provider'],
  },
  signalbox_registry_refresh_duration_seconds: {
    service,
    type: 'histogram',
    unit: 'seconds',
    help: 'Time to list a provider’s models.',
    labels: ['provider'],
  },
  signalbox_registry_refresh_failures_total: {
    service,
    type: 'counter',
    unit: 'count',
    help: 'Lists of models that failed.',
    labels: ['provider'],
  },
  signalbox_registry_usage_total: {
    service,
    type: 'counter',
    unit: 'count',
    help: 'Calls reported to POST /models/{id}/usage.',
    labels: ['provider', 'model', 'success'],
  },
} as const satisfies MetricDefinitions;
