import type { RoutingEvent } from '../../contracts/event.ts';

/** A queue of events, first in first out, that never holds more than its size. */
export interface EventBuffer {
  readonly length: number;
  /** Adds an event; returns the one that was dropped for it, or null. */
  push(event: RoutingEvent): RoutingEvent | null;
  /** The oldest events, at most `count`; they stay until `remove`. */
  peek(count: number): readonly RoutingEvent[];
  remove(count: number): void;
}

/**
 * When it is full, an outcome takes the place of the oldest `routed` event, and a `routed` event is dropped itself:
 * outcomes are what is learned from.
 */
export function createEventBuffer(size: number): EventBuffer {
  let events: RoutingEvent[] = [];
  // Events before `peeked` are being sent: they must not move.
  let peeked = 0;

  return {
    get length() {
      return events.length;
    },
    push(event) {
      if (events.length < size) {
        events.push(event);
        return null;
      }
      if (event.routing_decision.outcome === 'routed') return event;
      const oldestRouted = events.findIndex(
        (held, index) => index >= peeked && held.routing_decision.outcome === 'routed',
      );
      if (oldestRouted === -1) return event;
      const [dropped] = events.splice(oldestRouted, 1);
      events.push(event);
      return dropped ?? null;
    },
    peek(count) {
      peeked = Math.min(count, events.length);
      return events.slice(0, peeked);
    },
    remove(count) {
      events = events.slice(count);
      peeked = 0;
    },
  };
}
