import type { MetricDefinitions } from './definition.ts';

/** What every process shows, whichever services are in it. */
export const processMetrics = {
  signalbox_build_info: {
    type: 'gauge',
    unit: 'info',
    help: 'Always 1; its label is the version that runs.',
    labels: ['version'],
    aggregator: 'max',
  },
  signalbox_http_request_duration_seconds: {
    type: 'histogram',
    unit: 'seconds',
    help: 'Time to answer HTTP requests; of a stream, to its end.',
    labels: ['service', 'route', 'method', 'status'],
    convention: 'https://opentelemetry.io/docs/specs/semconv/http/http-metrics/#metric-httpserverrequestduration',
  },
  signalbox_authentication_failures_total: {
    type: 'counter',
    unit: 'count',
    help: 'Requests refused for their key: `no_key`, `wrong_key`, `limited` (wrong, and too many of them), `forbidden` (good for other things).',
    labels: ['service', 'reason'],
  },
  signalbox_loop_failures_total: {
    type: 'counter',
    unit: 'count',
    help: 'Failed rounds of background loops.',
    labels: ['loop'],
  },
  signalbox_database_connections: {
    type: 'gauge',
    unit: 'count',
    help: 'Connections of the process to PostgreSQL: `in_use` or `idle`.',
    labels: ['state'],
    convention: 'https://opentelemetry.io/docs/specs/semconv/db/database-metrics/#metric-dbclientconnectioncount',
  },
  signalbox_database_connections_limit: {
    type: 'gauge',
    unit: 'count',
    help: 'Most connections that the process opens.',
    labels: [],
    convention: 'https://opentelemetry.io/docs/specs/semconv/db/database-metrics/#metric-dbclientconnectionmax',
  },
  signalbox_database_waiting: {
    type: 'gauge',
    unit: 'count',
    help: 'Callers that wait for a connection to PostgreSQL.',
    labels: [],
    convention:
      'https://opentelemetry.io/docs/specs/semconv/db/database-metrics/#metric-dbclientconnectionpending_requests',
  },
  signalbox_config_version: {
    type: 'gauge',
    unit: 'count',
    help: 'Version of the configuration in force, 1 from the start; of several workers the lowest.',
    labels: [],
    aggregator: 'min',
  },
  signalbox_config_last_reload_successful: {
    type: 'gauge',
    unit: 'flag',
    help: 'Whether the newest configuration file is in force (1) or was refused (0).',
    labels: [],
    aggregator: 'min',
  },
  signalbox_config_settings_waiting_for_restart: {
    type: 'gauge',
    unit: 'count',
    help: 'Settings of the newest configuration file that only a restart takes.',
    labels: [],
    aggregator: 'max',
  },
} as const satisfies MetricDefinitions;
