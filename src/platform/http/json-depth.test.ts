import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nestsDeeperThan } from './json-depth.ts';

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

test('finds the depth of any document, whatever its strings hold', () => {
  const stringUnit = fc.constantFrom('"', '\\', '[', '{', ']', '}', 'a');
  const documents = fc.jsonValue({ maxDepth: 8, stringUnit });
  fc.assert(
    fc.property(documents, fc.integer({ min: 0, max: 6 }), (document, limit) => {
      expect(nestsDeeperThan(JSON.stringify(document), limit)).toBe(depthOf(document) > limit);
    }),
    { numRuns: 1000 },
  );
});

test.each([
  ['[[[[[[[[', 3, true],
  ['[{"a":[[[[[[', 4, true],
  ['["[[[[[[[[', 4, false],
  [']]]]]]]]]]', 2, false],
  [`[${'"'.repeat(9)}`, 2, false],
])('%s deeper than %i: %s', (text, limit, expected) => {
  expect(nestsDeeperThan(text, limit)).toBe(expected);
});
