import { outcomeSchema } from '../../contracts/event.ts';
import type { Metrics } from '../../platform/telemetry/metrics.ts';
import type { EncodedEvent } from './encoded-event.ts';
import type { EventBuffer } from './event-buffer.ts';
import type { Outbox } from './outbox.ts';

/** What becomes of events, counted. */
export interface EventCounters {
  published(count: number): void;
  replayed(count: number): void;
  dropped(event: EncodedEvent): void;
  torn(lines: number): void;
  /** One is in memory alone. */
  unjournaled(): void;
}

/** Most that may wait, in events in memory and in bytes on disk. */
interface EventLimits {
  bufferSize: number;
  outboxMaxBytes: number;
}

export function countEvents(metrics: Metrics, buffer: EventBuffer, outbox: Outbox, limits: EventLimits): EventCounters {
  const published = metrics.counter('signalbox_events_published_total');
  const replayed = metrics.counter('signalbox_events_replayed_total');
  const dropped = metrics.counter('signalbox_events_dropped_total');
  // A series that begins with its first loss would hide it from `increase`.
  for (const outcome of outcomeSchema.options) dropped.inc({ outcome }, 0);
  const torn = metrics.counter('signalbox_events_torn_lines_total');
  const unjournaled = metrics.counter('signalbox_events_unjournaled_total');
  metrics.sampledGauge('signalbox_events_buffered', () => [[{}, buffer.length]]);
  metrics.gauge('signalbox_events_buffer_limit').set(limits.bufferSize);
  metrics.gauge('signalbox_events_outbox_limit_bytes').set(limits.outboxMaxBytes);
  metrics.sampledGauge('signalbox_events_outbox_bytes', () => [[{}, outbox.bytes]]);
  metrics.sampledGauge('signalbox_events_outbox_events', () => [[{}, outbox.events]]);
  return {
    published: (count) => published.inc(count),
    replayed: (count) => replayed.inc(count),
    dropped: (event) => dropped.inc({ outcome: event.outcome }),
    torn: (lines) => torn.inc(lines),
    unjournaled: () => unjournaled.inc(),
  };
}
