import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mergeEvents } from '../../../src/central/aggregate/merge-events.ts';
import { parseMessage } from '../../../src/central/consume/parse-message.ts';
import { outcomeSchema, type RoutingEvent } from '../../../src/contracts/event.ts';
import { sendBatch } from '../../../src/platform/postgres/pgmq.ts';
import { decisionsQueue } from '../../../src/contracts/event.ts';
import type { LockedRecord } from '../../../src/platform/store/routing-records.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';
import { countersOf, countRows, drain, eventOf, newId, queueLength, seedEvent, total } from './support.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

/** Attempts of decisions, each with a choice, an outcome, both or neither of which is missing. */
const attempts = fc.array(
  fc.record({
    attempt: fc.nat(2),
    model: fc.constantFrom('a', 'b'),
    routed: fc.boolean(),
    outcome: fc.constantFrom(...outcomeSchema.options),
    responseMs: fc.nat(5000),
    tokens: fc.nat(1000),
  }),
  { minLength: 1, maxLength: 25 },
);

function eventsOf(
  given: readonly (typeof attempts extends fc.Arbitrary<infer T> ? T : never)[number][],
  suffix: string,
) {
  return given.flatMap(({ attempt, model, routed, outcome, responseMs, tokens }): RoutingEvent[] => {
    const fields = { attempt, selected_model: `${model}${suffix}` };
    const decisionId = newId();
    const events = routed || outcome === 'routed' ? [eventOf(decisionId, { ...fields, outcome: 'routed' })] : [];
    if (outcome !== 'routed') {
      const cost = tokens / 1024;
      events.push(
        eventOf(decisionId, { ...fields, outcome, response_time_ms: responseMs, input_tokens: tokens, cost_usd: cost }),
      );
    }
    return events;
  });
}

describe('aggregates', () => {
  it('do not depend on the order of events, nor on how they fall into batches', () => {
    function aggregate(events: readonly RoutingEvent[], batchSize: number) {
      const records = new Map<string, LockedRecord>();
      const sums: Record<string, number> = {};
      function add(key: string, value: number): void {
        sums[key] = (sums[key] ?? 0) + value;
      }
      for (let index = 0; index < events.length; index += batchSize) {
        const batch = events.slice(index, index + batchSize).flatMap((event, position) => {
          const message = {
            messageId: String(index + position),
            readCount: 0,
            enqueuedAt: new Date(0),
            message: event,
          };
          const parsed = parseMessage(message);
          return 'event' in parsed ? [parsed.event] : [];
        });
        const merge = mergeEvents([...records.values()], batch, Date.now());
        for (const record of [...merge.created, ...merge.changed]) {
          records.set(`${record.decision_id} ${record.attempt}`, { ...record, created_at: '' });
        }
        for (const { model, complexity, responseTimesMs, ...counts } of merge.changes.deltas()) {
          for (const [name, value] of Object.entries(counts)) add(`${model} ${complexity} ${name}`, value);
          for (const time of responseTimesMs) add(`${model} ${complexity} times`, time);
        }
        for (const usage of merge.usage.usages()) {
          add(`${usage.modelId} calls`, usage.calls);
          add(`${usage.modelId} completion`, usage.completionMs.sum);
        }
        for (const row of merge.evidence.rows()) {
          add(`${row.model} evidence`, row.requests);
          add(`${row.model} evidence times`, row.responseTimeSumMs);
        }
        for (const tally of merge.tallies) add('decisions', tally.decisions);
      }
      const outcomes = [...records.values()]
        .map((record) => `${record.decision_id} ${record.attempt} ${record.outcome} ${record.input_tokens}`)
        .sort();
      return { sums: Object.fromEntries(Object.entries(sums).filter(([, sum]) => sum !== 0)), outcomes };
    }

    fc.assert(
      fc.property(
        attempts,
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 60 }),
        fc.gen(),
        (given, size, otherSize, gen) => {
          const events = eventsOf(given, '');
          const shuffled = gen(fc.shuffledSubarray, events, { minLength: events.length });
          expect(aggregate(shuffled, otherSize)).toEqual(aggregate(events, size));
        },
      ),
    );
  });

  it('stay as they are when everything is delivered again, in another order and to several consumers', async () => {
    const { pool } = database;
    let run = 0;
    await fc.assert(
      fc.asyncProperty(attempts, fc.integer({ min: 1, max: 30 }), fc.gen(), async (given, batchSize, gen) => {
        run += 1;
        const events = eventsOf(given, `-${run}`);
        const shuffle = (): RoutingEvent[] => gen(fc.shuffledSubarray, events, { minLength: events.length });
        await sendBatch(pool, decisionsQueue, shuffle());
        await drain(pool, { batchSize });
        const before = [await countersOf(pool, `a-${run}`), await countersOf(pool, `b-${run}`), await countRows(pool)];
        expect(
          before
            .slice(0, 2)
            .map((counters) => (counters as { routed: number }).routed)
            .reduce((a, b) => a + b),
        ).toBe(given.length);

        await sendBatch(pool, decisionsQueue, [...shuffle(), ...shuffle()]);
        const drained = await Promise.all([drain(pool, { batchSize }), drain(pool, { batchSize: 7 })]);
        expect(total(drained.flat(), 'duplicates')).toBe(2 * events.length);
        expect([await countersOf(pool, `a-${run}`), await countersOf(pool, `b-${run}`), await countRows(pool)]).toEqual(
          before,
        );
      }),
      { numRuns: 10 },
    );
  });

  it('are those of all others where one of ten thousand messages is poison', async () => {
    const { pool } = database;
    const model = 'poisoned';
    const good = Array.from({ length: 10_000 }, () =>
      eventOf(newId(), { selected_model: model, outcome: 'success', response_time_ms: 5 }),
    );
    // It satisfies the schema, and no column takes it: the batch fails and is counted message by message.
    const poison = seedEvent({ selected_model: model, outcome: 'success', features: [2 ** 40] });
    for (const part of [good.slice(0, 6789), [poison], good.slice(6789)]) await sendBatch(pool, decisionsQueue, part);
    const batches = await drain(pool, { batchSize: 500 });
    expect([total(batches, 'deadLetters'), total(batches, 'duplicates')]).toEqual([1, 0]);
    expect(await countersOf(pool, model)).toMatchObject({ routed: 10_000, success: 10_000, latencies: 10_000 });
    expect(await queueLength(pool, decisionsQueue)).toBe(0);
  });
});
