import { describe, expect, it } from 'vitest';
import { createChecks, UnusableCheck } from './checks.ts';

describe('an answer is accepted', () => {
  it.each<[string, Parameters<typeof createChecks>[0], string, boolean]>([
    ['as its schema says', [{ type: 'json_schema', schema: { required: ['a'] } }], 'Here: {"a":1}', true],
    ['as its schema says', [{ type: 'json_schema', schema: { required: ['a'] } }], '{"b":1}', false],
    ['where it holds JSON', [{ type: 'json_schema', schema: {} }], 'none', false],
    ['by a pattern in a schema', [{ type: 'json_schema', schema: { type: 'string', pattern: '^a+$' } }], '"aaa"', true],
    [
      'by a pattern in a schema',
      [{ type: 'json_schema', schema: { type: 'string', pattern: '^a+$' } }],
      '"aab"',
      false,
    ],
    ['by its pattern', [{ type: 'regex', pattern: '^yes', flags: 'i' }], 'Yes.', true],
    ['by its pattern', [{ type: 'regex', pattern: '^yes', flags: '' }], 'Yes.', false],
    ['over several lines', [{ type: 'regex', pattern: '^b$', flags: 'm' }], 'a\nb', true],
    ['with a dot for all', [{ type: 'regex', pattern: 'a.b', flags: 's' }], 'a\nb', true],
    ['with what it has to contain', [{ type: 'contains', value: 'PARIS', ignore_case: true }], 'It is Paris.', true],
    ['with what it has to contain', [{ type: 'contains', value: 'PARIS', ignore_case: false }], 'It is Paris.', false],
    ['without what it must not', [{ type: 'not_contains', value: 'lyon', ignore_case: true }], 'Lyon', false],
    ['without what it must not', [{ type: 'not_contains', value: 'lyon', ignore_case: true }], 'Paris', true],
    ['where it is that', [{ type: 'equals', value: 'paris', ignore_case: true }], ' Paris. ', true],
    ['where it is that', [{ type: 'equals', value: 'paris', ignore_case: true }], 'Paris it is', false],
    ['by its length', [{ type: 'length', min: 2, max: 4 }], 'abc', true],
    ['by its length', [{ type: 'length', max: 4 }], 'abcde', false],
    ['by its number', [{ type: 'number', min: 40, max: 42 }], 'so 41 then', true],
    ['by its number', [{ type: 'number', max: 42 }], 'so 43 then', false],
    ['where it has a number', [{ type: 'number' }], 'none', false],
    [
      'by all checks',
      [
        { type: 'length', min: 1 },
        { type: 'number', max: 1 },
      ],
      '2',
      false,
    ],
  ])('%s', (_, checks, text, isAccepted) => {
    expect(createChecks(checks)(text) === null).toBe(isAccepted);
  });
});

it('says why not without a word of the answer', () => {
  const verify = createChecks([{ type: 'json_schema', schema: { properties: { name: { const: 'a' } } } }]);
  expect(verify('{"name":"secret"}')).toBe('is not as the schema says: const');
});

it('names the check that is none', () => {
  const length = { type: 'length' } as const;
  expect(() => createChecks([length, { type: 'regex', pattern: '(', flags: '' }])).toThrow(
    expect.objectContaining({ name: 'UnusableCheck', index: 1 }),
  );
  expect(() => createChecks([{ type: 'json_schema', schema: { $ref: 'https://example.com/other' } }])).toThrow(
    UnusableCheck,
  );
});

it('refuses a schema that would answer later', () => {
  expect(() => createChecks([{ type: 'json_schema', schema: { $async: true } }])).toThrow(UnusableCheck);
});

it('is linear in the text, whatever the pattern', () => {
  // Takes a backtracking engine longer than the universe has been there.
  const pattern = '^(a+)+$';
  const text = `${'a'.repeat(200)}b`;
  expect(createChecks([{ type: 'regex', pattern, flags: '' }])(text)).toBe('does not match the pattern');
  const schema = { type: 'string', pattern };
  expect(createChecks([{ type: 'json_schema', schema }])(JSON.stringify(text))).toMatch(/pattern/);
});
