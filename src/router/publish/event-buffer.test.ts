import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Outcome } from '../../contracts/event.ts';
import type { EncodedEvent } from './encoded-event.ts';
import { createEventBuffer } from './event-buffer.ts';

let made = 0;
function event(outcome: Outcome): EncodedEvent {
  made += 1;
  return { eventId: `event ${made}`, outcome, line: Buffer.from('{}\n') };
}

test('when it is full, outcomes push out the oldest routed events and routed events are dropped themselves', () => {
  const buffer = createEventBuffer(3);
  const [routed1, routed2, success] = [event('routed'), event('routed'), event('success')];
  for (const held of [routed1, routed2, success]) expect(buffer.push(held)).toBeNull();
  const late = event('routed');
  expect(buffer.push(late)).toBe(late);
  const failure = event('failure');
  expect(buffer.push(failure)).toBe(routed1);
  expect(buffer.peek(10)).toEqual([routed2, success, failure]);
});

test('events that are being sent stay where they are', () => {
  const buffer = createEventBuffer(2);
  const first = event('routed');
  buffer.push(first);
  buffer.push(event('success'));
  expect(buffer.peek(1)).toEqual([first]);
  const newest = event('failure');
  expect(buffer.push(newest)).toBe(newest);
  buffer.remove(1);
  expect(buffer.push(newest)).toBeNull();
});

test('never holds more than its size, and every event is sent, held or reported as dropped', () => {
  const outcome = fc.constantFrom<Outcome>('routed', 'success', 'failure');
  const step = fc.oneof(
    outcome.map((value) => ({ push: value })),
    fc.nat(5).map((count) => ({ send: count })),
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 8 }), fc.array(step, { maxLength: 100 }), (size, steps) => {
      const buffer = createEventBuffer(size);
      const pushed = new Set<EncodedEvent>();
      const gone = new Set<EncodedEvent>();
      for (const action of steps) {
        if ('push' in action) {
          const added = event(action.push);
          pushed.add(added);
          const dropped = buffer.push(added);
          if (dropped !== null) gone.add(dropped);
        } else {
          const batch = buffer.peek(action.send);
          batch.forEach((sent) => gone.add(sent));
          buffer.remove(batch.length);
        }
        expect(buffer.length).toBeLessThanOrEqual(size);
      }
      expect(new Set([...gone, ...buffer.peek(size)])).toEqual(pushed);
    }),
  );
});
