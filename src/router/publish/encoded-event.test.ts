import fc from 'fast-check';
import { expect, test } from 'vitest';
import { outcomeSchema, type RoutingEvent } from '../../contracts/event.ts';
import { decodeEvents, encodeEvent } from './encoded-event.ts';

const lineOf = (event: RoutingEvent): Buffer => encodeEvent(event).line;

const event: fc.Arbitrary<RoutingEvent> = fc.record({
  timestamp: fc.constant('2026-01-01T00:00:00.000Z'),
  instance_id: fc.string({ unit: 'binary', minLength: 1 }),
  event_id: fc.uuid(),
  routing_decision: fc.record({
    complexity: fc.constantFrom('simple', 'medium', 'complex'),
    selected_model: fc.string({ unit: 'binary', minLength: 1 }),
    selected_provider: fc.constant('p'),
    complexity_score: fc.integer({ min: 0, max: 5 }),
    outcome: fc.constantFrom(...outcomeSchema.options),
  }),
});

test('a file cut anywhere gives every event that is whole in it, and counts at most the one that is not', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 8 }), fc.double({ min: 0, max: 1, noNaN: true }), (events, share) => {
      const lines = events.map(lineOf);
      const whole = Buffer.concat(lines);
      const cut = Math.round(share * whole.length);
      const { events: decoded, tornLines } = decodeEvents(whole.subarray(0, cut));

      // An event is whole without the end of its line, too.
      let end = 0;
      const ends = lines.map((line) => (end += line.length) - 1);
      const complete = ends.filter((position) => position <= cut).length;
      expect(decoded).toEqual(events.slice(0, complete).map(encodeEvent));
      const isBetweenLines = cut === 0 || ends.includes(cut) || ends.includes(cut - 1);
      expect(tornLines).toBe(isBetweenLines ? 0 : 1);
    }),
    { numRuns: 500 },
  );
});

test('bytes that are no events cost no event beside them', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(event, fc.uint8Array({ minLength: 1 }))), (parts) => {
      const isEvent = (part: RoutingEvent | Uint8Array): part is RoutingEvent => !(part instanceof Uint8Array);
      const lines = parts.map((part) =>
        isEvent(part) ? lineOf(part) : Buffer.concat([part.filter((byte) => byte !== 0x0a), Buffer.from('\n')]),
      );
      const { events, tornLines } = decodeEvents(Buffer.concat(lines));
      expect(events).toEqual(parts.filter(isEvent).map(encodeEvent));
      expect(tornLines).toBe(parts.length - events.length);
    }),
  );
});

test('JSON that is no event is none', () => {
  const lines = ['1', 'null', '[]', '{}', '{"routing_decision":{"outcome":"maybe"}}', '{"routing_decision":null}', ''];
  expect(decodeEvents(Buffer.from(`${lines.join('\n')}\n`))).toEqual({ events: [], tornLines: lines.length });
});
