import fc from 'fast-check';
import { expect, it } from 'vitest';
import { judgeMessages, readScores, shuffled } from './judge.ts';

it('shows the answers under letters, and the criteria', () => {
  const [system, user] = judgeMessages('6 times 7?', ['41', '42'], 'digits only');
  expect(system?.content).toContain('What counts: digits only');
  expect(system?.content).toContain('{"scores":{"A":0,"B":0}}');
  expect(user?.content).toBe(
    '<question>\n6 times 7?\n</question>\n\n<answer letter="A">\n41\n</answer>\n\n<answer letter="B">\n42\n</answer>',
  );
});

it.each<[string, number[] | null]>([
  ['{"scores":{"A":10,"B":2.5}}', [1, 0.25]],
  ['```json\n{"scores":{"B":0,"A":"7"}}\n```', [0.7, 0]],
  ['{"A":1,"B":2}', [0.1, 0.2]],
  ['{"scores":{"A":10}}', null],
  ['{"scores":{"A":10,"B":11}}', null],
  ['{"scores":{"A":10,"B":null}}', null],
  ['Both are good.', null],
])('reads %s', (reply, scores) => {
  expect(readScores(reply, 2)).toEqual(scores);
});

it('shuffles evenly', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 16 }),
      fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
      (count, random) => {
        const order = shuffled(count, () => random.next().value ?? 0);
        expect(order.toSorted((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, index) => index));
      },
    ),
  );
  const draws = [0, 0.4, 0.8].flatMap((a) => [0, 0.6].map((b) => [a, b]));
  const orders = draws.map((values) => shuffled(3, () => values.shift() ?? 0).join(''));
  expect(new Set(orders).size).toBe(6);
});
