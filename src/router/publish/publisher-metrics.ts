import type { RoutingEvent } from '../../contracts/event.ts';
import type { Metrics } from '../../platform/telemetry/metrics.ts';
import type { EventBuffer } from './event-buffer.ts';
import type { Outbox } from './outbox.ts';

/** What becomes of events, counted. */
export interface EventCounters {
  published(count: number): void;
  replayed(count: number): void;
  dropped(event: RoutingEvent): void;
  torn(lines: number): void;
}

export function countEvents(metrics: Metrics, buffer: EventBuffer, outbox: Outbox): EventCounters {
  const published = metrics.counter('signalbox_events_published_total', 'Events handed to the queue.');
  const replayed = metrics.counter('signalbox_events_replayed_total', 'Those of them that had waited in the outbox.');
  const dropped = metrics.counter(
    'signalbox_events_dropped_total',
    'Events lost because there was no room or they cannot be stored.',
    ['outcome'],
  );
  const torn = metrics.counter(
    'signalbox_events_torn_lines_total',
    'Lines of the outbox that are no events, left by a process that was killed while it wrote.',
  );
  metrics.sampledGauge('signalbox_events_buffered', 'Events waiting in memory.', [], () => [[{}, buffer.length]]);
  metrics.sampledGauge('signalbox_events_outbox_bytes', 'Size of the outbox.', [], () => [[{}, outbox.bytes]]);
  metrics.sampledGauge('signalbox_events_outbox_events', 'Events waiting on disk.', [], () => [[{}, outbox.events]]);
  return {
    published: (count) => published.inc(count),
    replayed: (count) => replayed.inc(count),
    dropped: (event) => dropped.inc({ outcome: event.routing_decision.outcome }),
    torn: (lines) => torn.inc(lines),
  };
}
