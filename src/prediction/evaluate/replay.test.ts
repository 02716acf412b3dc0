import { describe, expect, it } from 'vitest';
import { createRandom } from '../../statistics/random.ts';
import { referencesOf, replay, type ReplayOptions, scoreAt } from './replay.ts';
import { aRow } from '../../../test/support/evaluation.ts';

const random = createRandom('stream');
/** The first model is right in four of ten cases, the second in nine. */
const stream = Array.from({ length: 300 }, (_, index) =>
  aRow(`question ${index}`, [
    { score: Number(random.chance(0.4)), costUsd: 0 },
    { score: Number(random.chance(0.9)), costUsd: 0 },
  ]),
);
const prior = { outcome: 0.5, strength: 2 };
const options: ReplayOptions = {
  models: [
    { name: 'worse', prior },
    { name: 'better', prior },
  ],
  known: [],
  bounds: { floor: 0.01, maxShare: 1, maxExtraCost: 1 },
  seed: 'replay',
  dropped: 0,
  flipped: 0,
  delay: 0,
  change: null,
};
const shareOf = (picks: Int32Array, model: number): number =>
  picks.filter((pick) => pick === model).length / picks.length;

describe('a replay', () => {
  it('finds the better model from the outcomes of what it chose, the same every time', () => {
    const { picks } = replay(stream, options);
    expect(shareOf(picks.subarray(200), 1)).toBeGreaterThan(0.9);
    expect(replay(stream, options).picks).toEqual(picks);
  });

  it('finds nothing where no outcome arrives, or all arrive too late', () => {
    for (const changes of [{ dropped: 1 }, { delay: 300 }]) {
      const { picks } = replay(stream, { ...options, ...changes });
      expect(shareOf(picks, 1)).toBeLessThan(0.7);
    }
  });

  it('believes the opposite where outcomes arrive as that', () => {
    expect(shareOf(replay(stream, { ...options, flipped: 1 }).picks.subarray(200), 0)).toBeGreaterThan(0.7);
  });

  it('does without a model that is not there', () => {
    const { picks } = replay(stream, { ...options, change: { kind: 'remove', model: 1, at: 200 } });
    expect(shareOf(picks.subarray(200), 1)).toBe(0);
  });
});

describe('a change', () => {
  const [row] = stream;
  const at = (kind: 'degrade' | 'add' | 'remove') =>
    [9, 10].map((request) =>
      scoreAt(aRow('any', [{ score: 0.8, costUsd: 0 }]), request, 0, { kind, model: 0, at: 10 }),
    );

  it('begins with its request', () => {
    expect(at('degrade')).toEqual([0.8, 0.4]);
    expect(at('add')).toEqual([null, 0.8]);
    expect(at('remove')).toEqual([0.8, null]);
  });

  it('leaves the other models as they are', () => {
    expect(row && scoreAt(row, 20, 1, { kind: 'remove', model: 0, at: 10 })).toBe(row?.outcomes[1]?.score);
  });
});

it('the best single model of hindsight is another one after it is gone', () => {
  const rows = [
    [1, 0],
    [1, 0.5],
    [1, 0.5],
  ].map((scores, index) =>
    aRow(
      String(index),
      scores.map((score) => ({ score, costUsd: 0 })),
    ),
  );
  const { bestSingle, oracle } = referencesOf(rows, 2, { kind: 'remove', model: 0, at: 2 });
  expect([...bestSingle]).toEqual([1, 1, 0.5]);
  expect([...oracle]).toEqual([1, 1, 0.5]);
});
