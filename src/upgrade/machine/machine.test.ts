import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rolloutStateSchema } from '../../contracts/rollout.ts';
import {
  isUnderWay,
  type Plan,
  type Position,
  rolloutEvents,
  shareAt,
  transition,
  whyNotTriedAgain,
} from './machine.ts';

const states = rolloutStateSchema.options;
const plan: Plan = { shadowShare: 0.02, canaryShares: [0.1, 0.2, 0.5] };
const at = (state: Position['state'], stage = 0, held = false): Position => ({ state, stage, held });

/** Every step there is, of a rollout that is not held: from, event, to. Whatever is not here must be refused. */
const steps: ReadonlyArray<readonly [Position, (typeof rolloutEvents)[number], Position]> = [
  [at('proposed'), 'approve', at('shadow')],
  [at('proposed'), 'promote', at('promoted')],
  [at('proposed'), 'dismiss', at('dismissed')],
  [at('proposed'), 'withdraw', at('withdrawn')],
  [at('shadow'), 'advance', at('canary', 0)],
  [at('canary', 0), 'advance', at('canary', 1)],
  [at('canary', 1), 'advance', at('canary', 2)],
  [at('canary', 2), 'advance', at('promoted')],
  ...[at('shadow'), at('canary', 0), at('canary', 1), at('canary', 2)].flatMap(
    (from) =>
      [
        [from, 'harm', at('rolled_back')],
        [from, 'rollback', at('rolled_back')],
        [from, 'promote', at('promoted')],
        [from, 'hold', { ...from, held: true }],
      ] as const,
  ),
  [at('promoted'), 'rollback', at('rolled_back')],
  [at('rolled_back'), 'dismiss', at('dismissed')],
  [at('withdrawn'), 'dismiss', at('dismissed')],
];
const positions = states.flatMap((state) =>
  state === 'canary' ? [at(state, 0), at(state, 1), at(state, 2)] : [at(state)],
);
const pairs = positions.flatMap((from) => rolloutEvents.map((event) => ({ from, event })));

describe('the machine', () => {
  it.each(pairs)('$from.state/$from.stage, $event', ({ from, event }) => {
    const step = steps.find(
      ([start, name]) => start.state === from.state && start.stage === from.stage && name === event,
    );
    const refusal = { ok: false, reason: expect.stringMatching(/^it |^nothing /) as string };
    expect(transition(from, event, plan)).toEqual(step === undefined ? refusal : { ok: true, to: step[2] });
  });

  it.each(positions.filter(({ state }) => isUnderWay(state)))('a hold of $state/$stage stops advance alone', (from) => {
    const held = { ...from, held: true };
    expect(transition(held, 'advance', plan)).toEqual({ ok: false, reason: 'it is held; resume it first' });
    expect(transition(held, 'hold', plan).ok).toBe(false);
    expect(transition(held, 'resume', plan)).toEqual({ ok: true, to: from });
    for (const event of rolloutEvents.filter((name) => !['advance', 'hold', 'resume'].includes(name))) {
      expect(transition(held, event, plan)).toEqual(transition(from, event, plan));
    }
  });

  it('lets another try follow one that is over, and says why not else', () => {
    const may = states.filter((state) => whyNotTriedAgain(state) === null);
    expect(may).toEqual(['rolled_back', 'dismissed', 'withdrawn']);
    expect(whyNotTriedAgain('promoted')).toBe('it was promoted; roll it back first');
  });

  it('leaves shadow out where nothing is copied', () => {
    expect(transition(at('proposed'), 'approve', { ...plan, shadowShare: 0 })).toEqual({ ok: true, to: at('canary') });
  });

  it('promotes from a stage that the plan no longer has', () => {
    expect(transition(at('canary', 7), 'advance', plan)).toEqual({ ok: true, to: at('promoted') });
    expect(shareAt(at('canary', 7), plan)).toBe(0.5);
  });

  it('never leaves the table, whatever happens, and sends traffic in three states alone', () => {
    const plans = fc.record({
      shadowShare: fc.constantFrom(0, 0.02, 0.05),
      canaryShares: fc.constantFrom([0.5], [0.1, 0.2, 0.5], [0.01, 0.02, 0.03, 0.04, 0.05, 0.1, 0.2, 0.5]),
    });
    fc.assert(
      fc.property(plans, fc.array(fc.constantFrom(...rolloutEvents), { maxLength: 60 }), (given, events) => {
        let position = at('proposed');
        for (const event of events) {
          const next = transition(position, event, given);
          if (!next.ok) continue;
          expect(next.to).not.toEqual(position);
          position = next.to;
          expect(states).toContain(position.state);
          const stages = position.state === 'canary' ? given.canaryShares.length : 1;
          expect(position.stage).toBeLessThan(stages);
          expect(position.held && !isUnderWay(position.state)).toBe(false);
          expect(shareAt(position, given) > 0).toBe(['shadow', 'canary', 'promoted'].includes(position.state));
        }
      }),
      { numRuns: 2000 },
    );
  });
});
