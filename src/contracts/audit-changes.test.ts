import { expect, test } from 'vitest';
import { changedFields } from './audit-changes.ts';

const told = (before: unknown, after: unknown): string[] =>
  changedFields(before, after).map((change) => `${change.field}: ${said(change.before)} → ${said(change.after)}`);
const said = (value: unknown): string => JSON.stringify(value) ?? 'nothing';

test.each<[name: string, before: unknown, after: unknown, changes: string[]]>([
  ['only what differs', { name: 'ci', scope: 'call' }, { name: 'ci', scope: 'read' }, ['scope: "call" → "read"']],
  ['what is new, without what it lacks', null, { name: 'ci', team: null }, ['name: nothing → "ci"']],
  ['what is gone', { name: 'ci' }, null, ['name: "ci" → nothing']],
  [
    'fields of fields',
    { budget: { limit_usd: 5, period: 'day' } },
    { budget: { limit_usd: 7, period: 'day' } },
    ['budget.limit_usd: 5 → 7'],
  ],
  ['a field that had none', { budget: null }, { budget: { limit_usd: 5 } }, ['budget.limit_usd: nothing → 5']],
  ['lists of plain values as values', { models: ['a'] }, { models: ['a', 'b'] }, ['models: ["a"] → ["a","b"]']],
  ['a list that was emptied', { models: ['a'] }, { models: [] }, ['models: ["a"] → []']],
  [
    'elements by their texts, in any order',
    [
      { model: 'gpt-5.4', complexity: 'simple', score: 3 },
      { model: 'gpt-5.4', complexity: 'complex', score: 2 },
    ],
    [
      { model: 'gpt-5.4', complexity: 'complex', score: 4 },
      { model: 'gpt-5.4', complexity: 'simple', score: 3 },
    ],
    ['gpt-5.4 complex.score: 2 → 4'],
  ],
  [
    'elements of one name as a list',
    [{ on: 'a', n: 1 }],
    [
      { on: 'a', n: 1 },
      { on: 'a', n: 2 },
    ],
    ['a.on: "a" → nothing', 'a.n: 1 → nothing', ': nothing → [{"on":"a","n":1},{"on":"a","n":2}]'],
  ],
  ['nothing where nothing is told', null, null, []],
])('%s', (_name, before, after, changes) => {
  expect(told(before, after)).toEqual(changes);
});
