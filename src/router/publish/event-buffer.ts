import type { EncodedEvent } from './encoded-event.ts';

/** A queue of events, first in first out, that never holds more than its size. */
export interface EventBuffer {
  readonly length: number;
  /** Adds an event; returns the one that was dropped for it, or null. */
  push(event: EncodedEvent): EncodedEvent | null;
  /** The oldest events, at most `count`; they stay until `remove`. */
  peek(count: number): readonly EncodedEvent[];
  remove(count: number): void;
}

/**
 * When it is full, an outcome takes the place of the oldest `routed` event, and a `routed` event is dropped itself:
 * outcomes are what is learned from.
 */
export function createEventBuffer(size: number): EventBuffer {
  let events: EncodedEvent[] = [];
  // Events before `peeked` are being sent: they must not move.
  let peeked = 0;
  // From `peeked` to here there is no `routed` event: while it is full, not every push may look at all of them.
  let searchedTo = 0;

  return {
    get length() {
      return events.length;
    },
    push(event) {
      if (events.length < size) {
        events.push(event);
        return null;
      }
      if (event.outcome === 'routed') return event;
      while (searchedTo < events.length && events[searchedTo]?.outcome !== 'routed') searchedTo += 1;
      if (searchedTo === events.length) return event;
      const [dropped] = events.splice(searchedTo, 1);
      events.push(event);
      return dropped ?? null;
    },
    peek(count) {
      peeked = Math.min(count, events.length);
      searchedTo = peeked;
      return events.slice(0, peeked);
    },
    remove(count) {
      events = events.slice(count);
      peeked = 0;
      searchedTo = 0;
    },
  };
}
